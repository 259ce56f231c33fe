import tides from '../data/tides.json';

export type Note = { id: number; text: string };

const notes: Note[] = tides.map((tide, id) => ({ id, text: `${tide.port}: high water at ${tide.high}` }));

export function all(): Note[] {
  return notes;
}
