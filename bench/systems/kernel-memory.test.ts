import { expect, test } from 'vitest';
import { parseSlabInfo } from './kernel-memory.ts';

test('the bytes of a slab cache are those of all its objects, free ones too', () => {
  const text = [
    'slabinfo - version: 2.1',
    '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables …',
    'TCP                 1200   1300   2432   13    8 : tunables    0    0    0 : slabdata    100    100      0',
    'sock_inode_cache    2000   2000    832   39    8 : tunables    0    0    0 : slabdata     52     52      0',
    '',
  ].join('\n');
  expect(parseSlabInfo(text)).toEqual({ TCP: 1_300 * 2_432, sock_inode_cache: 2_000 * 832 });
});
