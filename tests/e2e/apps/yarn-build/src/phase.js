import dayjs from 'dayjs';

const NEW_MOON = dayjs('2000-01-06');
const NAMES = ['new', 'waxing', 'full', 'waning'];

export function phase(day) {
  const age = (((dayjs(day).diff(NEW_MOON, 'day') % 29.53) + 29.53) % 29.53) / 29.53;
  return NAMES[Math.floor(age * 4) % 4];
}
