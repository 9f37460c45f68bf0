import type { Config } from '../config.ts';
import { addressIn } from '../data-directory.ts';
import { createLogger } from '../logger.ts';
import { refusing } from './forward.ts';
import { ReadServer } from './read-server.ts';

export interface ReadOnlyEvents {
  readonly started: (facts: { url: string; commit: number | null; seconds: number }) => void;
  readonly stopping: () => void;
}

/** Answers features from the online store until SIGINT or SIGTERM; takes no lock, writes nothing. */
export async function runReadOnly(
  config: Config,
  stopped: Promise<void>,
  events: ReadOnlyEvents,
): Promise<void> {
  const startedMs = Date.now();
  const server = await ReadServer.start(config, createLogger(config.logLevel), {
    beyond: refusing(() => addressIn(config.dataDir)),
    primary: null,
    tellsOfItself: () => true,
    sharesPort: false,
    part: `reader-${process.pid}`,
    serveLog: null,
    processes: 1,
    reserve: () => null,
  });
  const { replica } = server.status();
  const seconds = (Date.now() - startedMs) / 1000;
  events.started({ url: server.url, commit: replica?.commit ?? null, seconds });
  await stopped;
  events.stopping();
  await server.stop();
}
