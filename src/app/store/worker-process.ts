import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { workerUrl } from '../../base/worker-url.ts';
import type { ServedAnswer } from '../../store/serve-log.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** Takes the samples of what a worker answered. */
export type OnServed = (answers: readonly ServedAnswer[]) => void;

/** One worker process, as its primary sees it. */
export class WorkerHandle {
  readonly pid: number;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (text: string) => void>();
  #asked = 0;

  private constructor(child: ChildProcess, onServed: OnServed) {
    this.#child = child;
    this.pid = child.pid ?? -1;
    this.gone = new Promise((resolve) => child.once('exit', () => resolve()));
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'served') onServed(message.answers);
      if (message.kind !== 'metrics') return;
      this.#answers.get(message.number)?.(message.text);
      this.#answers.delete(message.number);
    });
    // What is told to a process that is ending is lost, and meant to be.
    child.on('error', () => {});
  }

  /** @throws AsofError `worker_failed` where it does not come to listen */
  static async start(
    start: ToWorker & { readonly kind: 'start' },
    onServed: OnServed,
  ): Promise<WorkerHandle> {
    const entry = fileURLToPath(workerUrl('./worker-main', import.meta.url));
    // Values may be integers that JSON has no form for.
    const child = fork(entry, [], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const handle = new WorkerHandle(child, onServed);
    child.send(start, () => {});
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (reason: string): void => {
          reject(new AsofError('worker_failed', `A worker process did not start: ${reason}`));
        };
        timer = setTimeout(() => fail('it took too long'), LIMITS.workerStartMs);
        child.once('error', (error) => fail(error.message));
        child.once('exit', (code, signal) => fail(`it ended with ${signal ?? code}`));
        child.on('message', (message: FromWorker) => {
          if (message.kind === 'ready') resolve();
          else if (message.kind === 'failed') fail(message.reason);
        });
      });
      return handle;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Its metrics; '' where it does not answer in time. */
  metrics(): Promise<string> {
    const number = ++this.#asked;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#answers.delete(number);
        resolve('');
      }, LIMITS.workerAnswerMs);
      this.#answers.set(number, (text) => {
        clearTimeout(timer);
        resolve(text);
      });
      this.#tell({ kind: 'metrics', number });
    });
  }

  /** Answers what is under way; resolves when it is gone. */
  async end(): Promise<void> {
    this.#tell({ kind: 'end' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), LIMITS.workerEndMs);
    await this.gone;
    clearTimeout(timer);
  }

  #tell(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}
