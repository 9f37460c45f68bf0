import assert from 'node:assert/strict';
import { DEFAULT_THRESHOLDS } from '../src/stream/checkpoint-policy.ts';
import { SPLIT_BY_SHARE, type Splitting } from '../src/stream/split-rule.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';
import { checkAnswers, ORDERS_PLAN, OrderWriter, type UserOrder } from './orders.ts';
import { linesOf, type Platform, type Push, pushes, withPlatform } from './stream.ts';

const PER_MS = 200;
const ROWS_PER_PUSH = 5_000;
const WARM_UP = 200_000;
const HOTTEST = 'user-0';
const NEVER: Splitting = { ...SPLIT_BY_SHARE, decide: () => ({ split: [], merge: [] }) };

/** One platform that takes orders of one kind, portion by portion. */
class Stand {
  readonly platform: Platform;
  readonly #writer: OrderWriter;
  readonly #events: number;
  #next: Push[] = [];

  constructor(platform: Platform, order: UserOrder, events: number) {
    this.platform = platform;
    this.#writer = new OrderWriter(PER_MS, undefined, order);
    this.#events = events;
  }

  /** Every key has tiles before anything is timed, and what is to be split is. */
  async warmUp(): Promise<void> {
    await this.platform.pushAll(pushes(this.#writer, WARM_UP, ROWS_PER_PUSH, 'json'));
  }

  readonly prepare = (): void => {
    this.#next = pushes(this.#writer, this.#events, ROWS_PER_PUSH, 'json');
  };

  readonly run = async (): Promise<void> => {
    await this.platform.pushAll(this.#next);
    this.#next = [];
  };

  get splitKeys(): number {
    return splitKeysOf(this.platform);
  }
}

function splitKeysOf({ engine }: Platform): number {
  const spaces = [...engine.hotKeys('orders').values()];
  return spaces.reduce((sum, { splitKeys }) => sum + splitKeys, 0);
}

/** Two platforms side by side: whatever slows the machine down slows both. */
function withStands<T>(
  [ours, limit]: readonly [UserOrder, UserOrder],
  [ourSplitting, limitSplitting]: readonly [Splitting, Splitting],
  events: number,
  use: (ours: Stand, limit: Stand) => Promise<T>,
): Promise<T> {
  const { afterMs } = DEFAULT_THRESHOLDS;
  return withPlatform(
    (first) =>
      withPlatform(
        async (second) => {
          const stands = [
            new Stand(first, ours, events),
            new Stand(second, limit, events),
          ] as const;
          for (const stand of stands) await stand.warmUp();
          return use(...stands);
        },
        afterMs,
        limitSplitting,
      ),
    afterMs,
    ourSplitting,
  );
}

/** Before anything is timed: what is spread over several rows reads as the oracle says. */
async function check(order: UserOrder): Promise<number> {
  return withPlatform(async (platform) => {
    const all = pushes(new OrderWriter(PER_MS, undefined, order), 20_000, ROWS_PER_PUSH, 'json');
    for (const push of all) await platform.push(push);
    assert.equal(splitKeysOf(platform), order === 'one' ? 1 : 0);
    return checkAnswers(platform.engine.store, linesOf(all));
  });
}

async function measureIngest(
  measure: string,
  orders: readonly [UserOrder, UserOrder],
  splittings: readonly [Splitting, Splitting],
  limitName: string,
  options: BenchOptions,
): Promise<Measurement> {
  const events = options.quick ? 50_000 : 200_000;
  return withStands(orders, splittings, events, async (ours, limit) => {
    const kept = await compare(
      {
        measure,
        unit: 'M events/s',
        direction: 'rate',
        limitName,
        work: events,
        per: 1e6,
        rounds: options.quick ? 7 : 15,
        ours,
        limit,
      },
      options,
    );
    if (!options.json) options.write(`        ${ours.splitKeys} keys were split`);
    return kept;
  });
}

function readUser({ engine }: Platform, user: string): void {
  const { store } = engine;
  const timeMs = store.applied.newestArrivalMs;
  for (const plan of ORDERS_PLAN.groups.filter(({ entity }) => entity === 'user')) {
    const group = store.group(plan.id);
    const windows = [...plan.windows.keys()];
    const row = group.find(user);
    const isSplit = group.origins?.query(user, row, timeMs, windows) ?? false;
    if (!isSplit) group.table.query(row, timeMs, windows);
    const table = isSplit ? (group.origins?.merged ?? group.table) : group.table;
    for (let accumulator = 0; accumulator < plan.accumulators.length; accumulator++) {
      table.fold(accumulator);
    }
  }
}

/** What a reader pays for it: all features of the hottest key, computed, not taken from a cache. */
async function measureRead(options: BenchOptions): Promise<Measurement> {
  const reads = 2_000;
  return withStands(['one', 'one'], [SPLIT_BY_SHARE, NEVER], 5_000, async (split, whole) => {
    const side = ({ platform }: Stand) => ({
      run: () => {
        for (let i = 0; i < reads; i++) readUser(platform, HOTTEST);
      },
    });
    return compare(
      {
        measure: 'hot_key_read',
        unit: 'µs',
        direction: 'time',
        limitName: 'the same key in one row',
        work: reads,
        per: 1e-6,
        rounds: options.quick ? 5 : 15,
        ours: side(split),
        limit: side(whole),
      },
      options,
    );
  });
}

/** What unequal keys cost, and what splitting the hottest ones does about it. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const compared = (await check('few')) + (await check('one')) + (await check('random'));
  if (!options.json) options.write(`skew: ${compared} values equal the oracle's`);
  const rule = [SPLIT_BY_SHARE, SPLIT_BY_SHARE] as const;
  const uniform = 'the same events with all keys alike';
  return [
    await measureIngest('hot_keys', ['few', 'random'], rule, uniform, options),
    await measureIngest('one_hot_key', ['one', 'random'], rule, uniform, options),
    await measureIngest(
      'one_split_key',
      ['one', 'one'],
      [SPLIT_BY_SHARE, NEVER],
      'the same events with no key split',
      options,
    ),
    await measureRead(options),
  ];
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
