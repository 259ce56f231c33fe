import express from 'express';

const books = new Map<string, number>([['Emma', 1815]]);
const app = express();

app.get('/healthz', (_, res) => res.send('ok'));
app.get('/books/:title', (req, res) => {
  const year = books.get(req.params.title);
  year ? res.json({ title: req.params.title, year }) : res.sendStatus(404);
});

app.listen(3000);
