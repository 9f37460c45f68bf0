import { Buffer } from 'node:buffer';
import { readSync, writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { type Context, constants, createContext, runInContext } from 'node:vm';
import { callerText, functionText, LOCKDOWN, type SandboxFunction } from './sandbox-realm.ts';

/**
 * Runs functions, in a process of its own: it reads jobs and writes answers, one at a time and
 * without an event loop, so that nothing runs but the call that is told in the mark. The process
 * has no environment and Node.js denies it files, processes and threads; the functions have a realm
 * of their own with the language alone.
 */
interface Job {
  readonly id: number;
  readonly key: string;
  /** Absent of functions that it knows. */
  readonly define?: SandboxFunction;
  /** The inputs of call after call. */
  readonly values: readonly unknown[];
  readonly calls: number;
  readonly width: number;
  readonly outputs: number;
  /** The longest text that an output may be. */
  readonly textLength: number;
}

type Caller = (
  values: readonly unknown[],
  at: number,
  results: unknown[],
  to: number,
) => string | undefined;

const STDIN = 0;
const STDOUT = 1;
/** A file that holds which call of which job runs: read from outside when this process cannot answer. */
const MARK = 3;

const head = Buffer.alloc(4);
const mark = new Int32Array(2);
const markBytes = Buffer.from(mark.buffer);
const callers = new Map<string, Caller>();

function readWhole(into: Buffer): boolean {
  for (let done = 0; done < into.length; ) {
    const count = readSync(STDIN, into, done, into.length - done, null);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

function readFrame(): unknown {
  if (!readWhole(head)) return undefined;
  const body = Buffer.allocUnsafe(head.readUInt32LE(0));
  return readWhole(body) ? deserialize(body) : undefined;
}

function writeFrame(value: unknown): void {
  const body = serialize(value);
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32LE(body.length, 0);
  frame.set(body, 4);
  for (let done = 0; done < frame.length; ) done += writeSync(STDOUT, frame, done);
}

/** Asks the outside, which decides whether and how, and waits. */
function ask(request: string): string {
  try {
    writeFrame({ request });
    return String(readFrame());
  } catch {
    return '{"failed":"the request could not be made"}';
  }
}

function newRealm(): Context {
  const realm = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: false },
  });
  runInContext(LOCKDOWN, realm);
  return realm;
}

/** A realm each: whatever one of them could still change, it changes for itself. */
function define(one: SandboxFunction): Caller {
  const realm = newRealm();
  const made: unknown = runInContext(functionText(one), realm, { filename: 'function' });
  const caller: unknown = runInContext(callerText(one), realm, { filename: 'caller' });
  return (caller as (made: unknown, outside: typeof ask | undefined) => Caller)(
    made,
    one.hasNetwork ? ask : undefined,
  );
}

function callerOf(job: Job): Caller {
  const known = callers.get(job.key);
  if (known !== undefined) return known;
  let caller: Caller;
  try {
    caller = define(job.define as SandboxFunction);
  } catch (error) {
    const why = `it cannot be made: ${String(error)}`.slice(0, 300);
    caller = () => why;
  }
  callers.set(job.key, caller);
  return caller;
}

function run(job: Job): void {
  const { id, values, calls, width, outputs, textLength } = job;
  mark[0] = id;
  mark[1] = -1;
  writeSync(MARK, markBytes, 0, 8, 0);
  const caller = callerOf(job);
  const results = new Array<unknown>(calls * outputs).fill(null);
  const failed: (readonly [number, string])[] = [];
  for (let call = 0; call < calls; call++) {
    mark[1] = call;
    writeSync(MARK, markBytes, 0, 8, 0);
    const to = call * outputs;
    const why =
      caller(values, call * width, results, to) ?? tooLong(results, to, outputs, textLength);
    if (why === undefined) continue;
    failed.push([call, String(why)]);
    results.fill(null, to, to + outputs);
  }
  writeFrame({ id, results, failed });
}

function tooLong(results: unknown[], to: number, outputs: number, textLength: number) {
  for (let at = to; at < to + outputs; at++) {
    const value = results[at];
    const isLong =
      typeof value === 'string'
        ? value.length > textLength
        : typeof value === 'bigint' && BigInt.asIntN(64, value) !== value;
    if (isLong) return 'it gave a value that is too large';
  }
  return undefined;
}

/** Ways to other machines and to this process that need no import, should a function get here. */
function closeOtherWays(): void {
  for (const name of ['fetch', 'WebSocket', 'EventSource', 'process', 'Buffer', 'navigator']) {
    Reflect.deleteProperty(globalThis, name);
  }
}

closeOtherWays();
writeFrame({ ready: true });
for (let job = readFrame(); job !== undefined; job = readFrame()) run(job as Job);
