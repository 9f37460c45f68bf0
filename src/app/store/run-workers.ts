import { randomBytes } from 'node:crypto';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import { holdPort, portLeft, type SharedPort } from './shared-port.ts';
import { WorkerCrew } from './worker-crew.ts';
import { dismissWorkers, notedWorkers, noteWorkers } from './worker-note.ts';

/** A server whose reads are answered by worker processes, before they are started. */
export class Workers {
  /** Of the primary: it answers on this machine alone, and whoever comes from outside meets a worker. */
  readonly primary: Config;
  readonly #config: Config;
  readonly #count: number;
  readonly #port: SharedPort;
  #crew: WorkerCrew | null = null;

  private constructor(config: Config, count: number, port: SharedPort) {
    this.#config = {
      ...config,
      store: config.store ?? { kind: 'lmdb', path: null },
      port: port.port,
    };
    this.#count = count;
    this.#port = port;
    this.primary = {
      ...this.#config,
      ...{ host: '127.0.0.1', port: 0 },
      listen: { ...config.listen, tls: null, grpcPort: null },
      feast: { ...config.feast, port: null },
    };
  }

  /**
   * Null for no workers. Those of a primary that died go on until there are others, or, where there
   * will be none, leave the port now. @throws AsofError `address_in_use`, `invalid_config`
   */
  static async prepare(config: Config, count: number): Promise<Workers | null> {
    const left = notedWorkers(config.dataDir);
    if (count === 0) {
      dismissWorkers(config.dataDir);
      const isHeld = left?.port === config.port;
      for (const port of isHeld ? [config.port, config.listen.grpcPort ?? 0] : []) {
        await portLeft(port, config.host);
      }
      return null;
    }
    if (count > LIMITS.workersMax) {
      throw new AsofError('invalid_config', `A server has at most ${LIMITS.workersMax} workers.`);
    }
    return new Workers(
      config,
      count,
      await holdPort(config.port, config.host, left?.port === config.port),
    );
  }

  /** Where workers answer. @throws AsofError `worker_failed` */
  async start(platform: Platform): Promise<string> {
    const { port, host, listen, root, dataDir } = this.#config;
    const crewName = randomBytes(8).toString('hex');
    const { url: primary } = platform;
    const { publisher, serveLog } = platform.parts;
    // A store that is away keeps nobody from starting: readiness says how it is.
    await publisher.isSettledWithin(LIMITS.workerStartMs);
    const { store, ...overrides } = overridesOf(this.#config);
    const crew = new WorkerCrew(
      (number) => ({
        ...{ kind: 'start', root, overrides, store, primary, crew: crewName },
        ...{ part: `worker-${number}`, processes: this.#count },
      }),
      (answers) => {
        for (const answer of answers) serveLog.offer(answer);
      },
      createLogger(this.#config.logLevel),
    );
    await crew.start(this.#count);
    noteWorkers(dataDir, { crew: crewName, port });
    await this.#port.release();
    this.#crew = crew;
    platform.metricsOfAll = (text) => crew.metrics(text);
    const scheme = listen.tls === null ? 'http' : 'https';
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Before the primary ends: what workers hand on is still answered. */
  async stop(): Promise<void> {
    await this.#port.release();
    if (this.#crew === null) return;
    dismissWorkers(this.#config.dataDir);
    await this.#crew.stop();
  }
}

/** Settings of this start; all others are read again by the worker, as they hold secrets. */
function overridesOf(config: Config) {
  const { definitions, dataDir, host, port, clock, serveLogRate, logLevel, store } = config;
  return {
    ...{ definitions, dataDir, host, port, clock, serveLogRate, logLevel },
    store: store?.kind === 'lmdb' ? store : null,
  };
}
