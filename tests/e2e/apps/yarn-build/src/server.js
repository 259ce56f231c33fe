import Fastify from 'fastify';
import { phase } from './phase';

const server = Fastify({ logger: true });

server.get('/', async () => ({ service: 'moon phases' }));
server.get('/phase/:day', async (request) => ({ phase: phase(request.params.day) }));

server.listen({ port: process.env.PORT || 8000, host: '0.0.0.0' }).catch((error) => {
  server.log.error(error);
  process.exit(1);
});
