/**
 * Nchan, a module of nginx: one channel, publisher and subscribers over WebSocket.
 *
 * One worker process, as everything here is one process. Messages are kept for those who are slow, as by default, but more
 * than the default of ten: it would lose the others' messages.
 */
import { freePorts } from '../../scripts/cluster/ports.ts';
import { executableOf, missingOf, nchanModule, nginx, nginxNchan } from './debian.ts';
import { startForeignServer } from './foreign-server.ts';
import type { System } from './system.ts';

export function nchan(name: string, bare: string): System {
  return {
    // A publisher would need a connection for each channel.
    ...{ name, bare, manyChannels: false },
    missing: () => missingOf(name, [nginx, nginxNchan]),
    async start(options) {
      const [port] = (await freePorts(1)) as [number];
      const target = { host: '127.0.0.1', port, dialect: 'raw' } as const;
      return await startForeignServer(
        {
          ...{ name, file: executableOf(nginx), port },
          subscribeTo: { ...target, path: '/subscribe' },
          publishTo: { ...target, path: '/publish' },
          configuration: (folder) => configuration(folder, port),
          args: (file) => ['-c', file, '-e', 'stderr'],
        },
        options,
      );
    },
  };
}

function configuration(folder: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((what) => `  ${what}_temp_path ${folder}/${what};`)
    .join('\n');
  return `load_module ${nchanModule};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log stderr error;
pid ${folder}/nginx.pid;
events { worker_connections 19000; }
http {
  access_log off;
${temporary}
  nchan_shared_memory_size 512M;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location = /subscribe {
      nchan_subscriber websocket;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }
    location = /publish {
      nchan_publisher websocket;
      nchan_channel_id bench;
      nchan_message_buffer_length 100000;
      nchan_message_timeout 10s;
    }
  }
}
`;
}
