import { describe, expect, it } from 'vitest';
import { offersDeflate } from './deflate-offer.ts';

const offers = (header: string | null) =>
  offersDeflate({ header: (name) => (name === 'sec-websocket-extensions' ? header : null) });

describe('an offer of permessage-deflate', () => {
  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=15',
    'permessage-deflate;client_max_window_bits="8"',
    'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
    'x-unknown; a=b, permessage-deflate',
    'permessage-deflate; server_max_window_bits=10, permessage-deflate',
  ])('is taken on our terms: %s', (header) => expect(offers(header)).toBe(true));

  it.each([
    null,
    '',
    ',',
    'permessage-deflate-2',
    'x-webkit-deflate-frame',
    'PERMESSAGE-DEFLATE',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=0',
    'permessage-deflate; server_max_window_bits=10',
    'permessage-deflate; server_max_window_bits=99',
    'permessage-deflate; client_max_window_bits=7',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; client_max_window_bits=08',
    'permessage-deflate; client_max_window_bits=',
    'permessage-deflate; client_max_window_bits=""',
    'permessage-deflate; client_no_context_takeover=1',
    'permessage-deflate; client_no_context_takeover=',
    'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; client_max_window_bits; client_max_window_bits=10',
    'permessage-deflate; __proto__',
    'permessage-deflate;',
  ])('is declined: %s', (header) => expect(offers(header)).toBe(false));

  it('takes time in proportion to its bytes', () => {
    const time = (header: string) => {
      const startedAt = performance.now();
      expect(offers(header)).toBe(false);
      return performance.now() - startedAt;
    };
    for (const piece of [';', ',', '=', '"', ' ', 'permessage-deflate;', 'permessage-deflate; a,']) {
      const header = `permessage-deflate-${piece.repeat(1_000_000 / piece.length)}`;
      expect(time(header), piece).toBeLessThan(2_000);
    }
  });
});
