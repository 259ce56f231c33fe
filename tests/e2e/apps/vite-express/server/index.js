import path from 'node:path';
import { fileURLToPath } from 'node:url';
import compression from 'compression';
import express from 'express';
import { beds } from './beds.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, '..', 'dist');
const app = express();

app.use(compression());
app.use(express.static(dist));
app.get('/api/beds', (req, res) => res.json(beds));
app.get('/health', (req, res) => res.send('ok'));
app.get('*', (req, res) => res.sendFile(path.join(dist, 'index.html')));

app.listen(process.env.PORT || 8080, () => console.log('listening'));
