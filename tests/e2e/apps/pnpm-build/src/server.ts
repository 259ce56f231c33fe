import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const app = new Hono();

app.get('/healthz', (c) => c.text('ok'));

app.get('/cards/:name', async (c) => {
  const text = await readFile(`cards/${c.req.param('name')}.txt`, 'utf8').catch(() => '');
  return text ? c.text(text) : c.notFound();
});

app.post('/cards/:name', async (c) => {
  await mkdir('cards', { recursive: true });
  await writeFile(`cards/${c.req.param('name')}.txt`, await c.req.text());
  return c.text('posted', 201);
});

serve({ fetch: app.fetch, port: 3333 });
