export interface Parcel {
  grams: number;
  abroad: boolean;
}

const STEPS: readonly [limit: number, cents: number][] = [
  [20, 85],
  [50, 100],
  [500, 160],
  [1000, 275],
];

/** The price in cents; undefined for what is too heavy. */
export function postage({ grams, abroad }: Parcel): number | undefined {
  const step = STEPS.find(([limit]) => grams <= limit);
  return step && step[1] + (abroad ? 90 : 0);
}
