import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { workerUrl } from '../../base/worker-url.ts';

/** Which call of which job runs, as the process noted it before it began. */
export interface ProcessMark {
  readonly job: number;
  /** -1: it makes the function of its text. */
  readonly call: number;
}

export interface ProcessEvents {
  /** A frame that it wrote: `{ ready }`, `{ request }`, or an answer. */
  readonly said: (frame: unknown) => void;
  readonly ended: (signal: string | null) => void;
}

const SCRIPTS = [
  workerUrl('./sandbox-process', import.meta.url),
  workerUrl('./sandbox-realm', import.meta.url),
].map((url) => fileURLToPath(url));

/** Code, stacks and what the collector needs, beside the heap that is bounded. */
const OVERHEAD_MIB = 256;

const PAGE_BYTES = 4096;

/**
 * One process that runs functions: with an empty environment, without the right to open files or
 * to start processes and threads, and with a bounded heap.
 */
export class FunctionProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #mark: number;
  readonly #memoryMiB: number;
  readonly #markBytes = Buffer.alloc(8);
  #read: Buffer[] = [];
  #readBytes = 0;
  #wantedBytes = 4;
  #isOver = false;
  /** Keys of the functions that it has made. */
  readonly known = new Set<string>();

  constructor(memoryMiB: number, events: ProcessEvents) {
    this.#memoryMiB = memoryMiB;
    const path = join(tmpdir(), `asof-mark-${randomUUID()}`);
    this.#mark = openSync(path, 'wx+', 0o600);
    rmSync(path);
    const [entry = ''] = SCRIPTS;
    const bounds = [`--max-old-space-size=${memoryMiB}`, '--max-semi-space-size=4'];
    const rights = ['--permission', ...SCRIPTS.map((script) => `--allow-fs-read=${script}`)];
    const child = spawn(process.execPath, [...rights, ...bounds, '--no-warnings', entry], {
      // What it says when it dies for lack of memory is told by its mark.
      stdio: ['pipe', 'pipe', 'ignore', this.#mark],
      env: {},
      cwd: '/',
      windowsHide: true,
    }) as ChildProcessByStdio<Writable, Readable, null>;
    this.#child = child;
    const over = (signal: string | null): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      events.ended(signal);
      closeSync(this.#mark);
    };
    child.on('error', () => over(null));
    child.on('exit', (_code, signal) => over(signal));
    // It may end while it is written to; that is told by its end.
    child.stdin.on('error', () => {});
    child.stdout.on('data', (bytes: Buffer) => this.#take(bytes, events));
    child.unref();
    for (const stream of [child.stdin, child.stdout]) {
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
    }
  }

  send(frame: unknown): void {
    const body = serialize(frame);
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32LE(body.length, 0);
    this.#child.stdin.write(Buffer.concat([head, body]));
  }

  mark(): ProcessMark {
    if (this.#isOver) return this.#lastMark();
    readSync(this.#mark, this.#markBytes, 0, 8, 0);
    return this.#lastMark();
  }

  #lastMark(): ProcessMark {
    return { job: this.#markBytes.readInt32LE(0), call: this.#markBytes.readInt32LE(4) };
  }

  /** CPU time of its main thread; null where the system does not tell. */
  cpuMs(): number | null {
    const text = this.#told('schedstat');
    return text === null ? null : Number(text.split(' ')[0]) / 1e6;
  }

  /** Whether it holds more memory than its heap and its code can need. */
  get isTooLarge(): boolean {
    const pages = Number(this.#told('statm')?.split(' ')[1] ?? 0);
    return (pages * PAGE_BYTES) / 2 ** 20 > this.#memoryMiB + OVERHEAD_MIB;
  }

  kill(): void {
    if (!this.#isOver) this.#child.kill('SIGKILL');
  }

  #told(file: string): string | null {
    try {
      return readFileSync(`/proc/${this.#child.pid}/${file}`, 'latin1');
    } catch {
      return null;
    }
  }

  /** What it says beyond its bounds, or in another form, is its end. */
  #take(bytes: Buffer, events: ProcessEvents): void {
    this.#read.push(bytes);
    this.#readBytes += bytes.length;
    while (this.#readBytes >= this.#wantedBytes) {
      const whole = this.#read.length === 1 ? (this.#read[0] as Buffer) : Buffer.concat(this.#read);
      this.#read = [whole];
      const length = whole.readUInt32LE(0);
      if (length > SERVING_LIMITS.functionReplyBytes) {
        this.kill();
        return;
      }
      this.#wantedBytes = 4 + length;
      if (whole.length < this.#wantedBytes) return;
      this.#wantedBytes = 4;
      const frame = parsed(whole.subarray(4, 4 + length));
      this.#read = [whole.subarray(4 + length)];
      this.#readBytes = whole.length - 4 - length;
      if (frame === undefined) {
        this.kill();
        return;
      }
      events.said(frame);
    }
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return deserialize(bytes);
  } catch {
    return undefined;
  }
}
