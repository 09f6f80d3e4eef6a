/**
 * Requests to the API of a test's node.
 */
import type { TestNode } from './node.ts';

export interface ApiReply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of it
  readonly body: any;
}

export async function api(node: TestNode, path: string, init: RequestInit = {}): Promise<ApiReply> {
  const reply = await fetch(`http://127.0.0.1:${node.adminPort}/api/${path}`, init);
  const text = await reply.text();
  return { status: reply.status, headers: reply.headers, body: text === '' ? null : JSON.parse(text) };
}

export async function post(
  node: TestNode,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<ApiReply> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  return await api(node, path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: isRaw ? (body as string) : JSON.stringify(body),
  });
}
