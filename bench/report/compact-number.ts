/** A number for an axis or a bar, three digits: `12.3k`, `0.0456`. The page's script has the same rule. */
export function compactNumber(number: number): string {
  if (!Number.isFinite(number)) return '–';
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(number);
}
