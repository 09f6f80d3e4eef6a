/**
 * The examples of docs/api.md: each command is run as it stands there, against a node on a free port, and answers what the
 * page says.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { api } from '../support/api.ts';
import { startNode, type TestNode } from '../support/node.ts';

const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```sh\n(?<command>.*?)```(?:\n\n```json\n(?<answer>.*?)```)?/gs)].map(
  ({ groups }) => [groups?.command?.trim() ?? '', groups?.answer?.trim() ?? null] as const,
);

let node: TestNode;
beforeAll(async () => {
  node = await startNode();
});
afterAll(async () => {
  await node?.stop();
});

it('has examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(8);
});

it.each(examples)('%s', (command, answer) => {
  const printed = execFileSync('sh', [
    '-c',
    command.replaceAll('127.0.0.1:8081', `127.0.0.1:${node.adminPort}`),
  ]);
  const got = JSON.parse(printed.toString());
  if (answer === null) expect(got).toEqual(expect.any(Object));
  else expect(got).toEqual(JSON.parse(answer));
});

it('names every route that the API describes', async () => {
  const { body } = await api(node, 'openapi.json');
  for (const path of Object.keys(body.paths)) expect(page).toContain(path.replace('{channel}', 'chat'));
});
