import { createServer, type Server } from 'node:net';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { pause } from '../../base/pause.ts';

/** A port that several processes are going to listen on, held until they do. */
export interface SharedPort {
  readonly port: number;
  release(): Promise<void>;
}

/**
 * @param port 0 for any free one
 * @param isOurs workers of the primary before may listen there: they hold it, and go on with reads
 * @throws AsofError `address_in_use` where somebody else listens there; `invalid_config`
 */
export async function holdPort(port: number, host: string, isOurs = false): Promise<SharedPort> {
  // Alone first: whoever else listens there, and would share it, is found.
  const alone = await listening(port, host, false).catch((error: unknown) => {
    if (isOurs && isTaken(error)) return null;
    throw error;
  });
  if (alone === null) {
    // Who holds it must be willing to share it. To hold it as well would take connections from them.
    await closed(await listening(port, host, true));
    return { port, release: async () => {} };
  }
  const held = portOf(alone);
  await closed(alone);
  const shared = await listening(held, host, true);
  return { port: held, release: () => closed(shared) };
}

/** Until workers that are not needed any more have left the port, or it shows that they do not. */
export async function portLeft(port: number, host: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < LIMITS.portLeftMs; waitedMs += LIMITS.workersLookMs) {
    const alone = await listening(port, host, false).catch((error: unknown) => {
      if (isTaken(error)) return null;
      throw error;
    });
    if (alone !== null) return closed(alone);
    await pause(LIMITS.workersLookMs);
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof AsofError && error.code === 'address_in_use';
}

function listening(port: number, host: string, reusePort: boolean): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (cause: Error & { readonly code?: string }) => {
      const path = `${host}:${port}`;
      const isTaken = cause.code === 'EADDRINUSE';
      const text = isTaken ? `Something else listens on ${path}.` : `Cannot listen on ${path}.`;
      reject(new AsofError(isTaken ? 'address_in_use' : 'invalid_config', text, { path, cause }));
    });
    server.listen({ port, host, reusePort }, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
