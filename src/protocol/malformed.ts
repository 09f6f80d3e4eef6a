/** The bytes are not what they should be: cut, of another type, too deep, or garbage. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}
