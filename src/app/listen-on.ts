import type { FastifyInstance } from 'fastify';
import { AsofError } from '../base/errors.ts';
import { listen } from '../http/http-server.ts';
import type { Config } from './config.ts';
import type { Parts } from './platform-parts.ts';

/** Where a platform is reached. */
export interface Addresses {
  readonly url: string;
  /** Where gRPC is answered without TLS; null: nowhere else. */
  readonly grpcUrl: string | null;
  /** Where Feast's clients are answered as well; null: nowhere else. */
  readonly feastUrl: string | null;
}

export const NOWHERE: Addresses = { url: '', grpcUrl: null, feastUrl: null };

/**
 * Listens, and tells other processes of it in the data directory. All addresses end with the server.
 * @throws AsofError `address_in_use`, or `invalid_config` for an address that is not ours
 */
export async function listenOn(
  http: FastifyInstance,
  { port, host }: Config,
  { directory, listeners }: Pick<Parts, 'directory' | 'listeners'>,
): Promise<Addresses> {
  const address = await listening(() => listen(http, port, host), port, host);
  // The framework does not know what its server speaks.
  const url = listeners.isSecure ? address.replace(/^http:/, 'https:') : address;
  const grpcUrl = await listeners.listenGrpc(host);
  const feastUrl = await listeners.listenFeast(host);
  directory.announce(url);
  return { url, grpcUrl, feastUrl };
}

async function listening<T>(listens: () => Promise<T>, port: number, host: string): Promise<T> {
  try {
    return await listens();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (code !== 'EADDRINUSE') {
      throw new AsofError('invalid_config', `Cannot listen on ${host}:${port}: ${reason}`, {
        path: `${host}:${port}`,
        cause,
      });
    }
    throw new AsofError('address_in_use', `Something else listens on ${host}:${port}.`, {
      path: `${host}:${port}`,
      remedy: 'Stop it, or use another port: --port 0 takes any free one.',
      cause,
    });
  }
}
