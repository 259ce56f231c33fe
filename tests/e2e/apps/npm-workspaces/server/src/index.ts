import { postage } from '@parcels/shared';
import express from 'express';

const app = express();

app.get('/health', (_req, res) => {
  res.json({ status: 'up' });
});
app.get('/postage/:grams', (req, res) => {
  res.json({ pence: postage(Number(req.params.grams)) });
});

app.listen(8081);
