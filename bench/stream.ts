import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { NodeDisk } from '../src/base/node-disk.ts';
import { pause } from '../src/base/pause.ts';
import { Ingestor } from '../src/ingest/ingestor.ts';
import { EventLog } from '../src/ingest/log.ts';
import { ColumnsBody } from '../src/ingest/push-body.ts';
import { diskState } from '../src/store/state-store.ts';
import { checkpointPolicy, DEFAULT_THRESHOLDS } from '../src/stream/checkpoint-policy.ts';
import type { Splitting } from '../src/stream/split-rule.ts';
import { StreamEngine } from '../src/stream/stream-engine.ts';
import {
  type BenchOptions,
  benchOptions,
  compare,
  type Measurement,
  quantile,
  report,
} from './harness.ts';
import { checkAnswers, columnsOf, ORDERS_PLAN, OrderWriter } from './orders.ts';

const ROWS_PER_PUSH = 5_000;
/** Pushes that wait for an answer at the same time, as from so many producers. */
const PRODUCERS = 4;
const FRESHNESS_LIMIT_MS = 100;
const PUSH_EVERY_MS = 10;
/** So often that several fall into the measurement of freshness. */
const CHECKPOINT_AFTER_MS = 2_000;

type Form = 'json' | 'columns';

/** One request of a producer: NDJSON, and the time at which it arrives. */
export interface Push {
  readonly body: Buffer;
  /** The same rows in the binary form, which is sent instead. */
  readonly columns: ColumnsBody | null;
  readonly rows: number;
  readonly nowMs: number;
}

/** Bodies stay outside the heap, so that the benchmark's own memory costs no collection. */
export function pushes(writer: OrderWriter, events: number, rowsEach: number, form: Form): Push[] {
  return Array.from({ length: Math.ceil(events / rowsEach) }, () => {
    const lines = writer.lines(rowsEach);
    const body = Buffer.from(lines.join('\n'));
    const columns = form === 'columns' ? new ColumnsBody(columnsOf(lines)) : null;
    return { body, columns, rows: rowsEach, nowMs: writer.nowMs };
  });
}

export function linesOf(all: readonly Push[]): string[] {
  return all.flatMap(({ body }) => body.toString().split('\n'));
}

/** The whole way in: JSON text, acceptance, de-duplication, log, tiles, checkpoints. */
export class Platform {
  readonly clock = new ManualClock(0);
  readonly engine: StreamEngine;
  readonly #log: EventLog;
  readonly #ingestor: Ingestor;

  private constructor(clock: ManualClock, log: EventLog, engine: StreamEngine, ingestor: Ingestor) {
    this.clock = clock;
    this.engine = engine;
    this.#log = log;
    this.#ingestor = ingestor;
  }

  static async open(
    folder: string,
    checkpointAfterMs: number,
    splitting?: Splitting,
  ): Promise<Platform> {
    const clock = new ManualClock(0);
    const disk = new NodeDisk(folder);
    const { sources } = ORDERS_PLAN;
    const log = await EventLog.open({ disk, schemas: sources });
    const engine = await StreamEngine.open({
      plan: ORDERS_PLAN,
      state: diskState({ disk, folder: 'state' }),
      log,
      history: null,
      clock: systemClock,
      logger: silentLogger,
      policy: checkpointPolicy({ ...DEFAULT_THRESHOLDS, afterMs: checkpointAfterMs }),
      ...(splitting === undefined ? {} : { splitting }),
    });
    const ingestor = Ingestor.open({ disk, log, sources, clock });
    ingestor.onCommitted = (batch) => engine.apply(batch);
    return new Platform(clock, log, engine, ingestor);
  }

  /** Resolves with the commit that makes all rows durable and applied. */
  async push({ body, columns, nowMs, rows }: Push): Promise<number> {
    this.clock.advanceTo(nowMs);
    const result = await this.#ingestor.push('orders', columns ?? body);
    assert.equal(result.accepted, rows);
    return result.commit;
  }

  async pushAll(all: readonly Push[]): Promise<void> {
    const waiting = [...all].reverse();
    const producer = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
        await this.push(next);
    };
    await Promise.all(Array.from({ length: PRODUCERS }, producer));
  }

  async close(): Promise<void> {
    await this.engine.close();
    await this.#log.close();
  }
}

export async function withPlatform<T>(
  use: (platform: Platform) => Promise<T>,
  checkpointAfterMs = DEFAULT_THRESHOLDS.afterMs,
  splitting?: Splitting,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-bench-stream-'));
  const platform = await Platform.open(folder, checkpointAfterMs, splitting);
  try {
    return await use(platform);
  } finally {
    await platform.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Before anything is timed: what came in through the door reads as the oracle says. */
async function check(perMs: number, form: Form): Promise<number> {
  return withPlatform(async (platform) => {
    const all = pushes(new OrderWriter(perMs), 20_000, ROWS_PER_PUSH, form);
    for (const push of all) await platform.push(push);
    return checkAnswers(platform.engine.store, linesOf(all));
  });
}

async function measureIngest(
  measure: string,
  perMs: number,
  form: Form,
  options: BenchOptions,
): Promise<Measurement> {
  const events = options.quick ? 100_000 : 400_000;
  const writer = new OrderWriter(perMs);
  return withPlatform(async (platform) => {
    // Every key has tiles before anything is timed.
    await platform.pushAll(pushes(writer, 300_000, ROWS_PER_PUSH, form));
    let next = pushes(writer, events, ROWS_PER_PUSH, form);
    let fresh = true;
    let lines: string[] = [];
    const refill = (): void => {
      if (!fresh) next = pushes(writer, events, ROWS_PER_PUSH, form);
      fresh = true;
    };
    const measurement = await compare(
      {
        measure,
        unit: 'M events/s',
        direction: 'rate',
        limitName: 'JSON.parse alone on the same lines in one thread',
        work: events,
        per: 1e6,
        rounds: options.quick ? 5 : 11,
        ours: {
          prepare: refill,
          run: async () => {
            await platform.pushAll(next);
            fresh = false;
          },
        },
        limit: {
          prepare: () => {
            lines = linesOf(next);
          },
          run: () => {
            parseAll(lines);
            lines = [];
          },
        },
      },
      options,
    );
    if (!options.json) options.write(describe(platform));
    return measurement;
  });
}

function parseAll(lines: readonly string[]): void {
  let ids = 0;
  for (const line of lines) if (JSON.parse(line).id !== undefined) ids += 1;
  assert.equal(ids, lines.length);
}

function describe({ engine }: Platform): string {
  const { checkpoints, checkpointRows, checkpointMs, eventsApplied, applyMs } = engine.metrics;
  const { keys, tiles, bytes } = engine.size();
  return (
    `        ${eventsApplied} events, ${Math.round(applyMs)} ms applying; ${checkpoints} checkpoints ` +
    `of ${checkpointRows} rows in ${checkpointMs} ms; ${keys} keys, ${tiles} tiles, ${bytes} bytes`
  );
}

/** Latencies of pushes at a steady rate, from when each was due, checkpoints going on. */
async function measureFreshness(perSecond: number, options: BenchOptions): Promise<Measurement[]> {
  const seconds = options.quick ? 4 : 20;
  const rows = Math.max(1, Math.round((perSecond * PUSH_EVERY_MS) / 1000));
  const writer = new OrderWriter(Math.max(1, Math.round(perSecond / 1000)));
  return withPlatform(async (platform) => {
    await platform.pushAll(pushes(writer, 300_000, ROWS_PER_PUSH, 'json'));
    const all = pushes(writer, (rows * seconds * 1000) / PUSH_EVERY_MS, rows, 'json');
    const before = platform.engine.metrics.checkpoints;
    const sent: number[] = [];
    const acknowledged: number[] = [];
    const pending = new Set<Promise<void>>();
    const startMs = performance.now();
    for (const [i, push] of all.entries()) {
      const dueMs = startMs + i * PUSH_EVERY_MS;
      const early = dueMs - performance.now();
      await pause(Math.max(0, early));
      const done = sendAndRead(platform, push, dueMs, sent, acknowledged).finally(() => {
        pending.delete(done);
      });
      pending.add(done);
    }
    await Promise.all(pending);
    const checkpoints = platform.engine.metrics.checkpoints - before;
    assert.ok(checkpoints > 0, 'checkpoints were taken meanwhile');
    const line = (measure: string, samples: readonly number[]): Measurement =>
      report(
        {
          measure,
          unit: 'ms',
          direction: 'time',
          limitName: `the target; ${checkpoints} checkpoints`,
        },
        [quantile(samples, 0.99)],
        [FRESHNESS_LIMIT_MS],
        options,
      );
    return [line('freshness_p99', acknowledged), line('sent_to_readable_p99', sent)];
  }, CHECKPOINT_AFTER_MS);
}

async function sendAndRead(
  platform: Platform,
  push: Push,
  dueMs: number,
  sent: number[],
  acknowledged: number[],
): Promise<void> {
  const commit = await platform.push(push);
  const acknowledgedMs = performance.now();
  // A reader comes with a turn of its own, as a request does.
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(platform.engine.store.applied.commit >= commit);
  readOne(platform, push);
  const readableMs = performance.now();
  acknowledged.push(readableMs - acknowledgedMs);
  sent.push(readableMs - dueMs);
}

function readOne({ engine }: Platform, { body }: Push): void {
  const { user } = JSON.parse(body.subarray(body.lastIndexOf('\n') + 1).toString());
  const { groups } = ORDERS_PLAN;
  for (const plan of groups.filter(({ entity }) => entity === 'user')) {
    const group = engine.store.group(plan.id);
    const row = group.find(user);
    group.table.query(row, engine.store.applied.newestArrivalMs);
  }
}

/** Events from text or columns to readable features, durable and de-duplicated. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const compared =
    (await check(200, 'json')) + (await check(1, 'json')) + (await check(200, 'columns'));
  if (!options.json) options.write(`stream: ${compared} values equal the oracle's`);
  const ingest = await measureIngest('ingest', 200, 'json', options);
  const sparse = await measureIngest('ingest_sparse', 5, 'json', options);
  const columns = await measureIngest('ingest_columns', 200, 'columns', options);
  const freshness = await measureFreshness((ingest.value * 1e6) / 2, options);
  return [ingest, sparse, columns, ...freshness];
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
