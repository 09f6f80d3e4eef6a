/**
 * Publishing over the API, with what it answers as a value.
 */
import type { TestNode } from './node.ts';

export function apiOf({ adminPort }: Pick<TestNode, 'adminPort'>) {
  return {
    async publish(body: unknown): Promise<{ status: number; body: unknown }> {
      const response = await fetch(`http://127.0.0.1:${adminPort}/api/publish`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    },
  };
}
