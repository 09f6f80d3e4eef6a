/**
 * The few shapes that an HTTP answer has here.
 */
import type { HttpReply } from '../transport/transport.ts';

const noStore = { 'Cache-Control': 'no-store' };

export function json(status: number, value: unknown): HttpReply {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...noStore },
    body: `${JSON.stringify(value)}\n`,
  };
}

export function plain(status: number, text: string, headers: Record<string, string> = {}): HttpReply {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...noStore, ...headers },
    body: `${text}\n`,
  };
}

/** 405 unless the method is GET or HEAD: the only ones that the routes here know. */
export function refuseOtherMethods(method: string): HttpReply | null {
  return method === 'GET' || method === 'HEAD'
    ? null
    : plain(405, 'only GET and HEAD are allowed here', { Allow: 'GET, HEAD' });
}
