/**
 * The page of the race and what it loads, from this machine to this machine.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { clientBundles } from '../../bin/client-bundle.mjs';

const own = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const uplot = (file: string) => createRequire(import.meta.url).resolve(`uplot/dist/${file}`);

export interface PageServer {
  /** Where the page is. */
  url: string;
  /** What browsers send as the origin of its connections. */
  origins: readonly string[];
  /** From now on it says where the channels of the race are. */
  feedIsAt(url: string): void;
  stop(): Promise<void>;
}

/** @throws Error if the port is taken */
export function servePage(port: number): PageServer {
  const files: Readonly<Record<string, string>> = {
    '/': own('page/index.html'),
    '/race.js': own('page/race.js'),
    '/race-charts.js': own('page/race-charts.js'),
    '/numbers.js': own('page/numbers.js'),
    '/rate-scale.js': own('page/rate-scale.js'),
    '/race.css': own('page/race.css'),
    '/paper.css': own('../report/page/paper.css'),
    '/icon.svg': own('../../src/demo/icon.svg'),
    '/uplot.js': uplot('uPlot.esm.js'),
    '/uplot.css': uplot('uPlot.min.css'),
    '/outcry.js': clientBundles().forPages,
  };
  let feed = '';
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port,
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/feed') return Response.json({ url: feed });
      const file = files[pathname];
      return file === undefined ? new Response('not found\n', { status: 404 }) : new Response(Bun.file(file));
    },
  });
  return {
    url: `http://localhost:${server.port}`,
    origins: ['localhost', '127.0.0.1'].map((host) => `http://${host}:${server.port}`),
    feedIsAt(url) {
      feed = url;
    },
    stop: () => server.stop(true),
  };
}
