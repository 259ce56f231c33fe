"""What JavaScript and TypeScript sources say."""

from __future__ import annotations

import pytest

from rewriter.model.project.answers import Gate, Port, Unknown
from tests.inline_project import NODE, project_of

RUN = f"{NODE}CMD node index.js\n"
EXPRESS = "const express = require('express');\nconst app = express();\n"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("app.get('/health', (req, res) => res.send('ok'));", "/health"),
        ("app.get('/health', auth, (req, res) => res.send('ok'));", ""),
        ("app.post('/health', (req, res) => res.send('ok'));", ""),
        ("app.get('/health/:id', (req, res) => res.send('ok'));", ""),
        ("app.use(express.json()); app.use(require('cors')()); app.get('/ping', f);", "/ping"),
        ("app.use(auth); app.get('/ping', f);", ""),
        ("app.get('/ping', f); app.use(auth);", "/ping"),
        ("app.use('/admin', auth); app.get('/ping', f);", "/ping"),
        ("app.use((req, res, next) => { console.log(req.url); next(); }); app.get('/ping', f);", "/ping"),
        ("app.use((req, res, next) => { res.redirect('/x'); }); app.get('/ping', f);", ""),
        ("app.use((err, req, res, next) => { res.status(500).end(); }); app.get('/ping', f);", "/ping"),
        ("const api = require('./api'); app.use('/api', api);", "/api/status"),
        ("app.use('/api', require('./api'));", "/api/status"),
        ("const api = require('./api'); app.use(prefix, api);", ""),
        ("require('./plain')(app);", "/healthz"),
        ("const BASE = '/v1'; app.get(`${BASE}/health`, f);", "/v1/health"),
    ],
)
def test_routes_of_express(source: str, path: str) -> None:
    files = {
        "index.js": f"{EXPRESS}{source}\napp.listen(3000);\n",
        "api.js": "const r = require('express').Router();\nr.get('/status', f);\nmodule.exports = r;\n",
        "plain.js": "module.exports = (app) => { app.get('/healthz', f); };\n",
    }
    project = project_of(RUN, files)
    found = project.health_route
    assert (found.path if found else "") == path
    assert project.framework == "Express"


def test_routers_of_modules_with_imports() -> None:
    files = {
        "src/index.ts": """
            import express from 'express';
            import { router as health } from './routes/health.js';
            import users from './routes';
            const app: express.Express = express();
            app.use('/api', health);
            app.use('/users', users);
            app.listen(Number(process.env.PORT) || 8080, '0.0.0.0');
            """,
        "src/routes/health.ts": """
            import { Router } from 'express';
            export const router = Router();
            router.get('/health', (_req, res) => { res.json({}); });
            """,
        "src/routes/index.ts": """
            import { Router } from 'express';
            const r = Router();
            r.get('/', f);
            export default r;
            """,
    }
    project = project_of(f"{NODE}CMD node dist/index.js\n", files)
    assert project.routes
    assert sorted(route.path for route in project.routes.routes) == ["/api/health", "/users/"]
    assert project.port == Port(8080, "PORT", "source")
    assert project.gates == ()


KOA = """
const Koa = require('koa'); const Router = require('@koa/router');
const app = new Koa(); const router = new Router({prefix: '/api'});
router.get('/health', h);
app.use(router.routes());
"""


@pytest.mark.parametrize(
    ("source", "path", "framework"),
    [
        ("const app = require('fastify')(); app.get('/ping', async () => 'x');", "/ping", "Fastify"),
        (
            "import Fastify from 'fastify'; const f = Fastify({a: 1}); f.get('/ping', {schema: s}, async () => 1);",
            "/ping",
            "Fastify",
        ),
        ("const app = require('fastify')(); app.addHook('onRequest', x); app.get('/ping', h);", "", "Fastify"),
        (
            "const app = require('fastify')(); app.register(require('./plugin'), {prefix: '/api'});",
            "/api/health",
            "Fastify",
        ),
        (
            "import { Hono } from 'hono'; const app = new Hono(); app.get('/healthz', (c) => c.text('x'));",
            "/healthz",
            "Hono",
        ),
        (KOA, "/api/health", "Koa"),
    ],
)
def test_routes_of_other_frameworks(source: str, path: str, framework: str) -> None:
    plugin = "module.exports = async function (fastify, options) { fastify.get('/health', h); };\n"
    project = project_of(RUN, {"index.js": source, "plugin.js": plugin})
    found = project.health_route
    assert (found.path if found else "", project.framework) == (path, framework)


NEST = {
    "src/main.ts": """
        import { NestFactory } from '@nestjs/core';
        import { AppModule } from './app.module';
        async function bootstrap() {
          const app = await NestFactory.create(AppModule);
          await app.listen(process.env.PORT ?? 3000);
        }
        bootstrap();
        """,
    "src/app.module.ts": "import { HealthController } from './health.controller';\nexport class AppModule {}\n",
    "src/health.controller.ts": """
        import { Controller, Get, UseGuards } from '@nestjs/common';
        @Controller('health')
        export class HealthController {
          constructor(private readonly service: Service) {}
          @Get()
          check(): string { return 'ok'; }
          @UseGuards(AuthGuard)
          @Get('deep')
          deep() {}
        }
        """,
}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, "/health"),
        (
            {"src/main.ts": NEST["src/main.ts"].replace("await app", "app.setGlobalPrefix('api'); await app")},
            "/api/health",
        ),
        (
            {
                "src/main.ts": NEST["src/main.ts"].replace(
                    "await app.listen", "app.useGlobalGuards(g); await app.listen"
                )
            },
            "",
        ),
        ({"src/app.module.ts": NEST["src/app.module.ts"] + "const p = { provide: APP_GUARD };\n"}, ""),
        (
            {
                "src/health.controller.ts": NEST["src/health.controller.ts"].replace(
                    "@Controller", "@UseGuards(A) @Controller"
                )
            },
            "",
        ),
    ],
)
def test_nest(change: dict[str, str], path: str) -> None:
    project = project_of(f'{NODE}CMD ["node", "dist/main"]\n', {**NEST, **change})
    found = project.health_route
    assert (found.path if found else "") == path
    assert (project.framework, project.port) == ("Nest", Port(3000, "PORT", "source"))


def test_next_takes_its_routes_from_files() -> None:
    files = {
        "package.json": '{"scripts": {"start": "next start"}}',
        "src/app/page.tsx": "",
        "src/app/(shop)/api/health/route.ts": "",
        "pages/api/ping.js": "",
        "src/app/[id]/page.tsx": "",
    }
    project = project_of(f"{NODE}CMD npm start\n", files)
    assert (project.framework, project.serves_root) == ("Next", True)
    assert project.health_route
    assert project.health_route.path == "/api/health"
    assert project.writes
    assert project.writes.paths == ("/app/.next/cache",)


@pytest.mark.parametrize(
    ("source", "port", "host"),
    [
        ("app.listen(3000);", Port(3000, "", "source"), "0.0.0.0"),
        ("app.listen(process.env.PORT || 3000, () => {});", Port(3000, "PORT", "source"), "0.0.0.0"),
        (
            "const PORT = parseInt(process.env.PORT || '4000', 10); app.listen(PORT, '127.0.0.1');",
            Port(4000, "PORT", "source"),
            "127.0.0.1",
        ),
        ("const { PORT = 5000 } = process.env; app.listen(PORT);", Port(5000, "PORT", "source"), "0.0.0.0"),
        (
            "const port = process.env.PORT ? Number(process.env.PORT) : 3; app.listen(port);",
            Port(3, "PORT", "source"),
            "0.0.0.0",
        ),
        (
            "app.set('port', process.env.PORT || 6000); app.listen(app.get('port'));",
            Port(6000, "PORT", "source"),
            "0.0.0.0",
        ),
        ("const config = require('./config'); app.listen(config.port);", Port(9001, "PORT", "source"), "0.0.0.0"),
        ("import { env } from './env.mjs'; app.listen(env.server.port);", Port(9002, "", "source"), "0.0.0.0"),
        ("const config = require('./absent'); app.listen(config.port);", None, ""),
        ("const c = { server: { port: 7000 } }; app.listen(c.server.port);", Port(7000, "", "source"), "0.0.0.0"),
        ("const f = require('fastify')(); f.listen({ port: 3000 });", Port(3000, "", "source"), "localhost"),
        (
            "const f = require('fastify')(); f.listen({ port: 3000, host: '0.0.0.0' });",
            Port(3000, "", "source"),
            "0.0.0.0",
        ),
        ("Bun.serve({ port: 3001, fetch });", Port(3001, "", "source"), "0.0.0.0"),
        (
            "const { serve } = require('@hono/node-server'); serve({ fetch: app.fetch, port: 8787 });",
            Port(8787, "", "source"),
            "0.0.0.0",
        ),
        ("a.listen(1); b.listen(2);", None, ""),
        ("app.listen(compute());", None, ""),
    ],
)
def test_where_the_source_listens(source: str, port: Port | None, host: str) -> None:
    files = {
        "index.js": source,
        "config/index.js": "module.exports = { port: process.env.PORT || 9001 };\n",
        "env.mjs": "const port = 9002;\nexport const env = { server: { port: port } };\n",
    }
    project = project_of(RUN, files)
    assert (project.port or None) == port
    if port:
        assert project.address
        assert project.address.host == host


def test_the_variable_of_the_image_is_the_number() -> None:
    text = f"{NODE}ENV PORT=80\nCMD node index.js\n"
    assert project_of(text, {"index.js": "app.listen(process.env.PORT || 3000)"}).port == Port(80, "PORT", "source")


def test_forced_https() -> None:
    source = f"{EXPRESS}app.use(require('express-sslify').HTTPS());\napp.listen(80);\n"
    assert project_of(RUN, {"index.js": source}).gates == (Gate("https", "express-sslify"),)


@pytest.mark.parametrize(
    ("source", "paths", "is_sure"),
    [
        ("fs.writeFileSync('log.txt', x);", ("/app/log.txt",), True),
        ("fs.promises.mkdir(path.join(__dirname, 'uploads'));", ("/app/uploads",), True),
        ("fs.createWriteStream(`./data/${name}.csv`);", ("/app/data",), True),
        ("fs.writeFile(name, x, f);", (), False),
        ("const m = multer({ dest: 'uploads/' });", ("/app/uploads",), True),
        ("multer.diskStorage({ destination: (req, file, cb) => cb(null, 'x') });", (), False),
        ("const db = new sqlite3.Database('/data/shop.db');", ("/data/shop.db",), True),
        ("const db = new Database(':memory:');", (), True),
        ("new winston.transports.File({ filename: 'logs/a.log' });", ("/app/logs/a.log",), True),
        ("new Sequelize({ dialect: 'sqlite', storage: 'db.sqlite' });", ("/app/db.sqlite",), True),
        ("fs.readFileSync('x');", (), True),
        ("const cp = require('child_process'); cp.execSync('x');", (), False),
    ],
)
def test_where_it_writes(source: str, paths: tuple[str, ...], is_sure: bool) -> None:
    writes = project_of(RUN, {"index.js": source}).writes
    assert writes
    assert (writes.paths, not writes.unread) == (paths, is_sure)


def test_an_application_in_a_class() -> None:
    source = """
        const express = require('express');
        class Server {
          constructor() { this.app = express(); this.port = process.env.PORT || 8080; }
          routes() { this.app.get('/health', (req, res) => res.send('')); }
          listen() { this.app.listen(this.port); }
        }
        """
    project = project_of(RUN, {"index.js": source})
    assert project.health_route
    assert project.port == Port(8080, "PORT", "source")


def test_routes_of_something_unknown_leave_the_rest_open() -> None:
    project = project_of(RUN, {"index.js": "const app = build(); app.get('/health', f);"})
    assert project.serves_root == Unknown("what `app` in index.js is part of is not followed")


def test_names_that_stand_for_each_other() -> None:
    assert not project_of(RUN, {"index.js": "const a = b; const b = a; app.listen(a);"}).port
