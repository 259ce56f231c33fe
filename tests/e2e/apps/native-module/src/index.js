const express = require('express');
const { count, seen } = require('./birds');

const app = express();
app.use(express.urlencoded({ extended: false }));

app.get('/health', (req, res) => res.json({ status: 'ok' }));
app.get('/birds/:name', (req, res) => res.json({ name: req.params.name, seen: count(req.params.name) }));
app.post('/birds/:name', (req, res) => res.status(201).json({ seen: seen(req.params.name) }));

app.listen(3000, () => console.log('counting on 3000'));
