/** Numbers as they stand on the page. */
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export function compact(number) {
  return number === null || number === undefined ? '–' : short.format(number);
}

export function whole(number) {
  return number.toLocaleString('en');
}
