/** The slider's scale is logarithmic: from 10 to 15,000, with as much room for 10 to 100 as for 100 to 1,000. */
const slowest = 10;
const fastest = 15_000;
const positions = 1_000;

/** Two digits, so that a rate can be met again. @param {number} position */
export function rateAt(position) {
  const rate = slowest * (fastest / slowest) ** (position / positions);
  const step = 10 ** (Math.floor(Math.log10(rate)) - 1);
  return Math.min(fastest, Math.round(rate / step) * step);
}

/** @param {number} rate */
export function positionOf(rate) {
  return Math.round((Math.log(rate / slowest) / Math.log(fastest / slowest)) * positions);
}
