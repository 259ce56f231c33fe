import fastify from 'fastify';
import { fahrenheit } from '@weather/units';

const app = fastify();

app.get('/health', async () => ({ status: 'ok' }));
app.get<{ Params: { celsius: string } }>('/fahrenheit/:celsius', async (request) => ({
  fahrenheit: fahrenheit(Number(request.params.celsius)),
}));

app.listen({ port: 3000, host: '0.0.0.0' });
