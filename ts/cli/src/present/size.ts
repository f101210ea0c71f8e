/** Sizes as docker writes them: decimal units, three digits, no blank. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `7.83MB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${Number(value.toPrecision(3))}${UNITS[unit]}`;
}
