import 'dotenv/config';
import express from 'express';
import { peals } from './peals';

const app = express();

app.get('/', (_req, res) => {
  res.json({ tower: process.env.TOWER ?? 'no tower', peals });
});

app.listen(Number(process.env.PORT) || 3000);
