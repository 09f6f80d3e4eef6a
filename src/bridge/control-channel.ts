/**
 * Questions of this node to others and theirs to it, over the channel of the beats (`protocol/control.ts`).
 *
 * An answer counts if it is to a question that is open, from a node that was asked, for the first time; everything else is
 * ignored, because anybody who reaches Redis could have sent it.
 */
import type { Clock } from '../clock.ts';
import { type Answer, type Control, type Question, readControl, writeControl } from '../protocol/control.ts';
import type { Answers, LocalNode } from './cluster.ts';

/** How long an answer is waited for. */
const answerTimeoutMs = 1_000;
/** Questions of ours that may be open; the requests that cause them are bounded as well. */
const maxOpenQuestions = 1_024;
/** Questions that are answered in a second; each may cost a look at all channels. */
const maxAnswersPerSecond = 200;

export interface ControlChannelOptions {
  /** Of this node. */
  bootId: string;
  clock: Pick<Clock, 'now' | 'after'>;
  /** Takes a message to all nodes, this one included; what cannot be sent is lost. */
  send(bytes: Buffer): void;
}

interface OpenQuestion {
  readonly awaited: Set<string>;
  readonly answers: Answer[];
  settle(): void;
}

export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #open = new Map<number, OpenQuestion>();
  #local: LocalNode | null = null;
  #lastRequest = 0;
  #secondEndsAt = Number.NEGATIVE_INFINITY;
  #answersInSecond = 0;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  represent(local: LocalNode): void {
    this.#local = local;
  }

  /** Asks those nodes, by their boot ids; one of them alone if it is the only one. */
  async ask(question: Question, nodes: readonly string[]): Promise<Answers> {
    if (nodes.length === 0) return { answers: [], complete: true };
    if (this.#open.size >= maxOpenQuestions) return { answers: [], complete: false };
    const { bootId, clock, send } = this.#options;
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    const awaited = new Set(nodes);
    const answers: Answer[] = [];
    await new Promise<void>((resolve) => {
      const timer = clock.after(answerTimeoutMs, resolve);
      const settle = () => {
        timer.cancel();
        resolve();
      };
      this.#open.set(request, { awaited, answers, settle });
      const to = nodes.length === 1 ? (nodes[0] as string) : '';
      send(writeControl({ type: 'question', from: bootId, request, to, question }));
    });
    this.#open.delete(request);
    return { answers, complete: awaited.size === 0 };
  }

  /** Takes what arrived. Returns false for what cannot be read. */
  receive(bytes: Buffer): boolean {
    const control = readControl(bytes);
    if (control === null) return false;
    const { bootId } = this.#options;
    const meansUs = control.to === bootId || (control.to === '' && control.type === 'question');
    if (control.from === bootId || !meansUs) return true;
    if (control.type === 'answer') this.#answered(control);
    else this.#answer(control);
    return true;
  }

  #answered({ request, from, answer }: Control & { type: 'answer' }): void {
    const question = this.#open.get(request);
    if (question?.awaited.delete(from) !== true) return;
    question.answers.push(answer);
    if (question.awaited.size === 0) question.settle();
  }

  #answer({ request, from, question }: Control & { type: 'question' }): void {
    if (this.#local === null || !this.#mayAnswer()) return;
    const { bootId, send } = this.#options;
    const answer = this.#local.answer(question);
    send(writeControl({ type: 'answer', from: bootId, request, to: from, answer }));
  }

  #mayAnswer(): boolean {
    const now = this.#options.clock.now();
    if (now >= this.#secondEndsAt) {
      this.#secondEndsAt = now + 1_000;
      this.#answersInSecond = 0;
    }
    this.#answersInSecond += 1;
    return this.#answersInSecond <= maxAnswersPerSecond;
  }
}
