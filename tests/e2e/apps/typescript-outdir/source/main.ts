import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Koa from 'koa';
import Mustache from 'mustache';
import { balance, entries } from './entries';

const page = readFileSync(join(process.cwd(), 'views', 'ledger.mustache'), 'utf8');
const app = new Koa();

app.use(async (context) => {
  if (context.path === '/status') {
    context.body = { status: 'ok' };
    return;
  }
  context.type = 'html';
  context.body = Mustache.render(page, { entries, balance: balance(entries) });
});

app.listen(Number(process.env.PORT ?? 5050));
