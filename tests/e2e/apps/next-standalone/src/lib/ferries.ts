export type Ferry = { to: string; leaves: string };

export const ferries: Ferry[] = [
  { to: 'Iona', leaves: '08:15' },
  { to: 'Mull', leaves: '11:40' },
];
