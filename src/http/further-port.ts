import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { SERVER_OPTIONS } from './http-server.ts';

/** One more port of the same server, for clients that expect another one. */
export interface FurtherPort {
  readonly url: string;
  /** Once the requests under way are answered. */
  close(): Promise<void>;
}

/** @param app is made ready */
export async function listenFurther(
  app: FastifyInstance,
  port: number,
  host: string,
): Promise<FurtherPort> {
  await app.ready();
  const server = createServer(SERVER_OPTIONS, (request, response) =>
    app.routing(request, response),
  );
  await listening(server, port, host);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
