export function postage(grams: number): number {
  return grams <= 100 ? 85 : 85 + Math.ceil((grams - 100) / 250) * 60;
}
