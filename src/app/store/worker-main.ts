import { LIMITS } from '../../base/limits.ts';
import { loadConfig } from '../config.ts';
import { addressIn } from '../data-directory.ts';
import { createLogger } from '../logger.ts';
import { Forwarder } from './forward.ts';
import { HandedSamples } from './handed-samples.ts';
import { ReadServer } from './read-server.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { notedWorkers } from './worker-note.ts';

/**
 * A process that answers features beside others on one port, and hands the rest to its primary. It
 * outlives the primary: reads go on until another one has workers of its own.
 */
class WorkerProcess {
  #server: ReadServer | null = null;
  #forwarder: Forwarder | null = null;
  #isEnding = false;

  async take(message: ToWorker): Promise<void> {
    if (message.kind === 'start') await this.#start(message);
    else if (message.kind === 'end') await this.end();
    else if (message.kind === 'metrics') {
      const text = (await this.#server?.metrics.text()) ?? '';
      tell({ kind: 'metrics', number: message.number, text });
    }
  }

  async #start(start: ToWorker & { kind: 'start' }) {
    const { root, overrides, store, primary, part, processes, crew } = start;
    const config = { ...loadConfig(root, overrides), store: store ?? loadConfig(root).store };
    const logger = createLogger(config.logLevel);
    // While it is gone, the next one is asked as soon as it answers.
    const forwarder = new Forwarder(() =>
      process.connected ? primary : (addressIn(config.dataDir) ?? primary),
    );
    this.#forwarder = forwarder;
    this.#server = await ReadServer.start(config, logger, {
      beyond: forwarder.answer,
      primary,
      // Where nobody else can, it does.
      tellsOfItself: () => !process.connected,
      sharesPort: true,
      part,
      serveLog: new HandedSamples(config.serveLogRate, tell),
      processes,
      reserve: () =>
        process.connected
          ? null
          : 'The primary is gone: answers stay as of what it published last.',
    });
    process.on('disconnect', () => this.#waitForOthers(config.dataDir, crew));
    if (!process.connected) this.#waitForOthers(config.dataDir, crew);
    tell({ kind: 'ready', url: this.#server.url });
  }

  /** The next primary has workers of its own, or needs none; without a directory there is no use. */
  #waitForOthers(dataDir: string, crew: string): void {
    const looking = setInterval(() => {
      if (notedWorkers(dataDir)?.crew === crew) return;
      clearInterval(looking);
      void this.end();
    }, LIMITS.workersLookMs);
  }

  async end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    await this.#server?.stop();
    this.#forwarder?.close();
    process.exit(0);
  }
}

function tell(message: FromWorker, done: () => void = () => {}): void {
  // A primary that is gone hears nothing, and that is known from elsewhere.
  if (process.connected) process.send?.(message, undefined, undefined, done);
  else setImmediate(done);
}

const worker = new WorkerProcess();
process.on('message', (message: ToWorker) => {
  worker.take(message).catch((error: unknown) => {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  });
});
// From a terminal the signal goes to all processes at once; the primary says when to end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => void worker.end());
