export interface Entry {
  what: string;
  pence: number;
}

export const entries: Entry[] = [
  { what: 'bread', pence: -320 },
  { what: 'wages', pence: 45000 },
];

export function balance(all: Entry[]): string {
  const pence = all.reduce((sum, entry) => sum + entry.pence, 0);
  return (pence / 100).toFixed(2);
}
