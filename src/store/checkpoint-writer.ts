import { Worker } from 'node:worker_threads';
import { AsofError } from '../base/errors.ts';
import { workerUrl } from '../base/worker-url.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import type { CheckpointCommit, CheckpointWritten } from './checkpoint-format.ts';
import type { WorkerAnswer, WorkerRequest } from './checkpoint-worker.ts';

/** Where checkpoints go: records in any number of chunks, then all or nothing by `commit`. */
export interface CheckpointWriter {
  /** The chunk belongs to the writer from now on. */
  add(chunk: Uint8Array<ArrayBuffer>): void;
  commit(commit: CheckpointCommit): Promise<CheckpointWritten>;
  close(): Promise<void>;
}

/** Writes on the calling thread: for short-lived engines and deterministic tests. */
export class InlineCheckpointWriter implements CheckpointWriter {
  readonly #file: CheckpointFile;
  #chunks: Uint8Array[] = [];

  constructor(file: CheckpointFile) {
    this.#file = file;
  }

  add(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk);
  }

  async commit(commit: CheckpointCommit): Promise<CheckpointWritten> {
    const chunks = this.#chunks;
    this.#chunks = [];
    return this.#file.write(chunks, commit);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

interface Waiting {
  resolve(written: CheckpointWritten): void;
  reject(error: unknown): void;
}

/** Writes on a thread of its own, so that no event and no answer waits for the disk. */
export class ThreadCheckpointWriter implements CheckpointWriter {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #closed: Promise<void>;
  #failure: AsofError | null = null;
  #closing = false;

  constructor(folder: string) {
    const url = workerUrl('./checkpoint-worker', import.meta.url);
    this.#worker = new Worker(url, { workerData: { folder } });
    // An engine that nobody closed does not keep the process alive; work under way does.
    this.#worker.unref();
    this.#worker.on('message', (answer: WorkerAnswer) => this.#answer(answer));
    this.#worker.on('error', (cause) => {
      this.#fail(new AsofError('disk_failed', `The checkpoint thread failed: ${cause}`, { cause }));
    });
    this.#closed = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(new AsofError('not_ready', 'The checkpoint thread has ended.'));
        resolve();
      });
    });
  }

  add(chunk: Uint8Array<ArrayBuffer>): void {
    this.#send({ kind: 'add', chunk }, [chunk.buffer]);
  }

  commit(commit: CheckpointCommit): Promise<CheckpointWritten> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#worker.ref();
      this.#waiting.push({ resolve, reject });
      this.#send({ kind: 'commit', commit }, []);
    });
  }

  close(): Promise<void> {
    this.#worker.ref();
    this.#closing = true;
    this.#send({ kind: 'close' }, []);
    return this.#closed;
  }

  #send(request: WorkerRequest, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer);
  }

  #answer(answer: WorkerAnswer): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0 && !this.#closing) this.#worker.unref();
    if (answer.kind === 'written') waiting?.resolve(answer.written);
    else waiting?.reject(new AsofError(answer.code, answer.message, { remedy: answer.remedy }));
  }

  #fail(error: AsofError): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
