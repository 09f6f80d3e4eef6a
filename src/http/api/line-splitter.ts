/**
 * Lines out of bytes that arrive in pieces. What is kept between two pieces is one unfinished line of bounded length.
 */

const lineFeed = 0x0a;

export class LineSplitter {
  readonly #maxLineBytes: number;
  #unfinished: Uint8Array[] = [];
  #unfinishedBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** True once a line was longer than allowed: no more lines come. */
  get tooLong(): boolean {
    return this.#unfinishedBytes > this.#maxLineBytes;
  }

  /** The lines that end in this piece, without their line feed. They share the memory of the piece. */
  *push(piece: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    while (!this.tooLong) {
      const end = piece.indexOf(lineFeed, start);
      const rest = piece.subarray(start, end === -1 ? piece.length : end);
      this.#unfinishedBytes += rest.length;
      if (this.tooLong) return;
      this.#unfinished.push(rest);
      if (end === -1) return;
      yield this.end();
      start = end + 1;
    }
  }

  /** What stands behind the last line feed. */
  end(): Uint8Array {
    const [only] = this.#unfinished;
    const line = this.#unfinished.length === 1 && only !== undefined ? only : Buffer.concat(this.#unfinished);
    this.#unfinished = [];
    this.#unfinishedBytes = 0;
    return line;
  }
}
