/**
 * wss:// from haproxy/tls.cfg, beside both modes, with a certificate made for the occasion.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBackend } from '../support/backend.ts';
import { useCertificate } from '../support/certificate.ts';
import { TestClient } from '../support/client.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';

const certificate = useCertificate();

describe.each(['http', 'tcp'] as const)('beside mode %s', (mode) => {
  let backend: TestBackend;
  let haproxy: TestHaproxy;
  beforeAll(async () => {
    backend = await TestBackend.start();
    haproxy = await startHaproxy({ mode, nodePorts: [backend.port], certificate: certificate.file });
  });
  afterAll(async () => {
    await haproxy?.stop();
    await backend.stop();
  });

  /** What a handshake agrees on, or the code of the error that ends it. SECLEVEL=0 lets the client offer old things. */
  async function agree(options: ConnectionOptions) {
    const socket = connect({ port: haproxy.tlsPort, rejectUnauthorized: false, ...options });
    try {
      await once(socket, 'secureConnect');
      return { protocol: socket.getProtocol(), cipher: socket.getCipher().name, alpn: socket.alpnProtocol };
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    } finally {
      socket.destroy();
    }
  }

  it('serves wss:// to a client that checks the certificate', async () => {
    const ca = readFileSync(certificate.file);
    const client = await TestClient.open(`wss://localhost:${haproxy.tlsPort}/tls`, { ca });
    client.send('secret');
    expect(await client.text()).toBe('secret');
    await client.close();
    const head = backend.received().find((bytes) => bytes.startsWith('GET /tls ')) ?? '';
    if (mode === 'http') expect(head).toContain('x-forwarded-proto: https\r\n');
  });

  it('speaks 1.2 and 1.3, with ciphers that are authenticated and forward secret, and HTTP/1.1 only', async () => {
    const ALPNProtocols = ['h2', 'http/1.1'];
    expect(await agree({ minVersion: 'TLSv1.3', ALPNProtocols })).toEqual({
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      alpn: 'http/1.1',
    });
    expect(await agree({ maxVersion: 'TLSv1.2', ALPNProtocols })).toEqual({
      protocol: 'TLSv1.2',
      cipher: expect.stringMatching(/^ECDHE-ECDSA-.*(GCM|POLY1305)/),
      alpn: 'http/1.1',
    });
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (version) => {
    const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await agree(options)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  it.each([
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES128-SHA256',
    'AES128-GCM-SHA256',
    'NULL',
    'AECDH-AES128-SHA',
  ])('refuses the cipher %s', async (cipher) => {
    const options = { maxVersion: 'TLSv1.2' as const, ciphers: `${cipher}:@SECLEVEL=0` };
    expect(await agree(options)).toMatch(/HANDSHAKE_FAILURE/);
  });

  it('gives out no tickets', async () => {
    const socket = connect({ port: haproxy.tlsPort, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    await once(socket, 'secureConnect');
    expect(socket.getTLSTicket()).toBeUndefined();
    socket.destroy();
  });

  it('cuts off who asks to negotiate again', async () => {
    const socket = connect({ port: haproxy.tlsPort, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    await once(socket, 'secureConnect');
    const outcome = new Promise((resolve) =>
      socket.renegotiate({}, (error: Error | null) => resolve(error === null)),
    );
    const closed = new Promise((resolve) => {
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
    });
    expect(await Promise.race([outcome, closed])).toBe(false);
    socket.destroy();
  });
});
