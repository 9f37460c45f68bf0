import type { FastifyInstance } from 'fastify';
import { AsofError } from '../base/errors.ts';
import { listen } from '../http/http-server.ts';
import type { Config } from './config.ts';

/** @throws AsofError `address_in_use`, or `invalid_config` for an address that is not ours */
export async function listenOn(http: FastifyInstance, { port, host }: Config): Promise<string> {
  try {
    return await listen(http, port, host);
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
