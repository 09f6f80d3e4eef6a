import { expect, it } from 'vitest';
import { shouldComeBack as byTheNode } from '../close-codes.ts';
import { shouldComeBack } from './come-back.ts';

it('follows the rule of the nodes for every code there is', () => {
  const codes = Array.from({ length: 4_000 }, (_, index) => 1_000 + index);
  expect(codes.filter(shouldComeBack)).toEqual(codes.filter(byTheNode));
});
