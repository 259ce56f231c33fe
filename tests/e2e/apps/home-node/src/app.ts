import express, { Request, Response } from 'express';
import { readFile, appendFile } from 'fs/promises';

const app = express();
const port = 8080;

app.get('/', async (_req: Request, res: Response) => {
  const seen = await readFile('seen.txt', 'utf8').catch(() => 'no whale yet');
  res.type('text').send(seen);
});

app.post('/seen/:whale', async (req: Request, res: Response) => {
  await appendFile('seen.txt', `${req.params.whale}\n`);
  res.status(201).send('noted');
});

app.listen(port, () => {
  console.log(`Whales are counted on port ${port}`);
});
