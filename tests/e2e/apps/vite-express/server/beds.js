export const beds = [
  { number: 1, crop: 'beans' },
  { number: 2, crop: 'leeks' },
];
