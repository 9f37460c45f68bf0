import type { Clock } from '../../base/clock.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { Timers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { CallEnd, FunctionRunner, FunctionValue } from '../../plan/function-runner.ts';

interface Kept {
  readonly end: CallEnd;
  readonly untilMs: number;
}

/**
 * Calls of functions as requests make them: equal inputs are asked once within a request; where the
 * function says for how long, once for all requests of that time, and of those that come while the
 * first one is asked, all wait for it. What is kept is what would be computed, as functions are
 * pure; of one with a network, what it was told within that time.
 */
export class FunctionAnswers {
  readonly #runner: FunctionRunner;
  readonly #clock: Clock;
  readonly timers: Timers;
  #kept = new Map<string, Kept>();
  #older = new Map<string, Kept>();
  readonly #asked = new Map<string, Promise<CallEnd>>();
  /** Of what is kept, without the older half. */
  #bytes = 0;
  /** Calls that were not made, as the same was kept; and as the same was asked just then. */
  hits = 0;
  shared = 0;

  constructor(runner: FunctionRunner, clock: Clock, timers: Timers) {
    this.#runner = runner;
    this.#clock = clock;
    this.timers = timers;
  }

  get size(): number {
    return this.#kept.size + this.#older.size;
  }

  async make(
    plan: FunctionPlan,
    calls: readonly (readonly FunctionValue[])[],
    timeoutMs: number,
  ): Promise<readonly CallEnd[]> {
    const places = new Map<string, number[]>();
    for (const [at, inputs] of calls.entries()) {
      const key = `${plan.digest} ${inputs.map(textOf).join(' ')}`;
      const known = places.get(key);
      if (known === undefined) places.set(key, [at]);
      else known.push(at);
    }
    const ends = new Array<CallEnd>(calls.length);
    const waits: Promise<void>[] = [];
    const missing: string[] = [];
    for (const [key, own] of places) {
      const kept = plan.cacheTtlMs === null ? null : this.#find(key);
      const asked = this.#asked.get(key);
      if (kept !== null) {
        this.hits += own.length;
        for (const at of own) ends[at] = kept;
      } else if (asked !== undefined) {
        this.shared += own.length;
        const inputs = calls[own[0] as number] as readonly FunctionValue[];
        waits.push(
          this.#await(plan, inputs, asked, timeoutMs).then((end) => {
            for (const at of own) ends[at] = end;
          }),
        );
      } else missing.push(key);
    }
    const first = (key: string): number => places.get(key)?.[0] ?? 0;
    const made = missing.map((key) => calls[first(key)] ?? []);
    const run = made.length === 0 ? null : this.#runner.run(plan, made, timeoutMs);
    if (run !== null && plan.cacheTtlMs !== null) this.#share(missing, run);
    for (const [call, end] of ((await run) ?? []).entries()) {
      const key = missing[call] as string;
      for (const at of places.get(key) ?? []) ends[at] = end;
      if (plan.cacheTtlMs !== null && end.kind === 'done') this.#keep(key, end, plan.cacheTtlMs);
    }
    await Promise.all(waits);
    return ends;
  }

  /** Whoever asks the same meanwhile waits for it. */
  #share(keys: readonly string[], run: Promise<readonly CallEnd[]>): void {
    for (const [call, key] of keys.entries()) {
      this.#asked.set(
        key,
        run.then((ends) => ends[call] as CallEnd),
      );
    }
    const forget = (): void => {
      for (const key of keys) this.#asked.delete(key);
    };
    run.then(forget, forget);
  }

  /** Who asked first may have had less time than this request has, or more. */
  async #await(
    plan: FunctionPlan,
    inputs: readonly FunctionValue[],
    asked: Promise<CallEnd>,
    timeoutMs: number,
  ): Promise<CallEnd> {
    const { timers } = this;
    const fromMs = timers.nowMs();
    const late = Promise.withResolvers<CallEnd>();
    const cancel = timers.after(timeoutMs, () => late.resolve(TOO_LATE));
    const end = await Promise.race([asked, late.promise]);
    cancel();
    const leftMs = timeoutMs - (timers.nowMs() - fromMs);
    if (end.kind !== 'timeout' || leftMs <= 0) return end;
    const [own = end] = await this.#runner.run(plan, [inputs], leftMs);
    return own;
  }

  #find(key: string): CallEnd | null {
    const found = this.#kept.get(key) ?? this.#older.get(key);
    if (found === undefined || this.#clock.nowMs() >= found.untilMs) return null;
    return found.end;
  }

  /** Where half of the room is full, the other half, of what came before, is forgotten. */
  #keep(key: string, end: CallEnd, ttlMs: number): void {
    this.#bytes += bytesOf(key, end);
    const { functionCacheEntries, functionCacheBytes } = SERVING_LIMITS;
    const isFull = this.#kept.size >= functionCacheEntries / 2;
    if (isFull || this.#bytes >= functionCacheBytes / 2) {
      this.#older = this.#kept;
      this.#kept = new Map();
      this.#bytes = bytesOf(key, end);
    }
    this.#kept.set(key, { end, untilMs: this.#clock.nowMs() + ttlMs });
  }
}

const TOO_LATE: CallEnd = {
  kind: 'timeout',
  reason: 'it did not end within the time of the request',
};

/** Two bytes a character, and what a map and its entry take. */
function bytesOf(key: string, end: CallEnd): number {
  const values = end.kind === 'done' ? end.values : [];
  return values.reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? 2 * value.length : 16),
    2 * key.length + 160,
  );
}

/** Different inputs have different texts: each begins with its kind, texts with their length. */
function textOf(value: FunctionValue): string {
  if (value === null) return 'z';
  switch (typeof value) {
    case 'number':
      return `n${value}`;
    case 'bigint':
      return `i${value}`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'string':
      return `s${value.length}:${value}`;
    default:
      return 'value' in value
        ? `c${value.count}:${textOf(value.value)}`
        : `l${value.length}[${value.map(textOf).join(',')}]`;
  }
}
