/**
 * Static files that a listener serves, read once at the start. The demo page has no build step: what lies in its folder is
 * what the browser gets. The SDK has one (`bin/client-bundle.mjs`).
 */
import { existsSync, readFileSync } from 'node:fs';

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

/** What the dashboard loads, besides the SDK and the library that draws its charts. */
const dashboardParts = [
  'access.js',
  'charts.js',
  'cluster.js',
  'figures.js',
  'icon.svg',
  'keyed-rows.js',
  'page.css',
  'page.js',
  'quantile.js',
  'story.js',
  'timeline.js',
];

/** The SDK as one ES module. */
export const sdkPath = '/outcry.js';

/** Where the files lie. */
export interface AssetFiles {
  demoFolder: URL;
  dashboardFolder: URL;
  sdk: URL;
  /** The folder of uPlot's builds; null where it is not installed. */
  uplotFolder: URL | null;
}

/** The page of the dashboard and its parts, by request path. */
export function readDashboardAssets({ dashboardFolder, sdk, uplotFolder }: AssetFiles): Map<string, Asset> {
  const assets = new Map([
    ['/dashboard', read(dashboardFolder, 'index.html')],
    ...dashboardParts.map((file): [string, Asset] => [`/dashboard/${file}`, read(dashboardFolder, file)]),
  ]);
  if (existsSync(sdk)) assets.set('/dashboard/outcry.js', read(sdk, ''));
  if (uplotFolder === null) return assets;
  assets.set('/dashboard/uplot.js', read(uplotFolder, 'uPlot.esm.js'));
  assets.set('/dashboard/uplot.css', read(uplotFolder, 'uPlot.min.css'));
  return assets;
}

/** The demo page, its parts and the SDK by request path. The SDK is missing where nobody has built it. */
export function readAssets({ demoFolder, sdk }: AssetFiles): Map<string, Asset> {
  const assets = new Map([
    ['/', read(demoFolder, 'index.html')],
    ...demoParts.map((file): [string, Asset] => [`/demo/${file}`, read(demoFolder, file)]),
  ]);
  // Pages of other origins import it too; whether they may connect is for `origins` to say.
  if (existsSync(sdk)) assets.set(sdkPath, read(sdk, '', { 'Access-Control-Allow-Origin': '*' }));
  return assets;
}

function read(folder: URL, file: string, headers: Asset['headers'] = {}): Asset {
  const url = new URL(file, folder);
  const extension = url.pathname.slice(url.pathname.lastIndexOf('.') + 1);
  return {
    headers: {
      'Content-Type': contentTypes[extension] ?? 'application/octet-stream',
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
      ...headers,
    },
    body: readFileSync(url),
  };
}
