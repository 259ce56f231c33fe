export const peals: string[] = ['Grandsire Triples', 'Plain Bob Minor'];
