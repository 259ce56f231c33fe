export function label(bed) {
  return `${bed.number}: ${bed.crop}`;
}
