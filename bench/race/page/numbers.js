/** Numbers as they stand on the page. */
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export function compact(number) {
  return number === null || number === undefined ? '–' : short.format(number);
}

export function milliseconds(ms) {
  return ms < 100 ? `${compact(ms)} ms` : `${whole(Math.round(ms))} ms`;
}

export function whole(number) {
  return number.toLocaleString('en');
}
