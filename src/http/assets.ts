/**
 * Static files that a listener serves, read once at the start. There is no build step: what lies in the folder is what
 * the browser gets.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Asset {
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Only our own files may run or style the page, and it may talk to its own node only, over HTTP or WebSocket. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What the demo page loads. Named one by one, so that nothing else in the folder is ever served. */
const demoParts = [
  'close-words.js',
  'connection-status.js',
  'console-snippet.js',
  'icon.svg',
  'message.js',
  'reconnecting-socket.js',
  'room-address.js',
  'room.css',
  'room.js',
  'transcript.js',
  'unconfirmed.js',
  'visit.js',
];

/** The demo page and its parts by request path. */
export function demoAssets(): Map<string, Asset> {
  const folder = new URL('../demo/', import.meta.url);
  return new Map([
    ['/', read(folder, 'index.html')],
    ...demoParts.map((file): [string, Asset] => [`/demo/${file}`, read(folder, file)]),
  ]);
}

function read(folder: URL, file: string): Asset {
  const extension = file.slice(file.lastIndexOf('.') + 1);
  return {
    headers: {
      'Content-Type': contentTypes[extension] ?? 'application/octet-stream',
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
    },
    body: readFileSync(fileURLToPath(new URL(file, folder))),
  };
}
