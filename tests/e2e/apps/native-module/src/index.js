const express = require('express');
const cabinet = require('./cabinet');

const app = express();
app.use(express.urlencoded({ extended: false }));

app.get('/health', (req, res) => res.json({ status: 'ok' }));

app.post('/keys/:name', async (req, res) => {
  await cabinet.keep(req.params.name, req.body.secret);
  res.status(201).json({ kept: req.params.name });
});

app.post('/keys/:name/check', async (req, res) => {
  res.json({ opens: await cabinet.opens(req.params.name, req.body.secret) });
});

app.listen(3000, () => console.log('the cabinet is on 3000'));
