import { AsofError } from '../../base/errors.ts';
import type { Pause } from '../../base/pause.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { RowKey, RowWrite, StoreHead, StoreLease } from '../row-store.ts';
import { encodeHead } from './head-format.ts';
import { RedisFunction } from './redis-call.ts';
import { type BucketControl, headHash, parseControl } from './redis-control.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisArgument, RedisLink } from './redis-link.ts';
import { headName } from './redis-reader.ts';
import { encodeRowHead } from './row-format.ts';
import { fenced, isPublished, refuseAhead } from './row-refusals.ts';

interface BucketMarks {
  /** Confirmed writes: fewer mean that the server forgot some. */
  least: number;
  /** Writes that were sent. */
  sent: number;
}

/** What a publisher knows of the store since its lease. */
interface LeaseState {
  readonly generation: number;
  epoch: number;
  head: StoreHead | null;
  headKey: string | null;
  /** The greatest commit that any bucket may have published; -1 for none. */
  begun: number;
  marks: BucketMarks[];
  /** Removed rows since the last head, which expire behind it. */
  removed: RowKey[];
}

export interface RedisWriterOptions {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  readonly nowMs: () => number;
  readonly pause: Pause;
  readonly previousMs: number;
}

/** Writes rows and heads by the function in Redis, bucket by bucket. */
export class RedisWriter {
  readonly #options: RedisWriterOptions;
  readonly #function: RedisFunction;
  #state: LeaseState | null = null;

  constructor(options: RedisWriterOptions) {
    this.#options = options;
    this.#function = new RedisFunction(options);
  }

  /** `headOf` reads what a bucket's control says. */
  async acquire(
    headOf: (control: BucketControl) => Promise<StoreHead | null>,
  ): Promise<StoreLease> {
    const { keys, nowMs } = this.#options;
    const before = await this.#controls();
    const newest = Math.max(0, ...before.map((one) => one?.generation ?? 0));
    // Time keeps it growing where the store lost everything in between.
    const generation = Math.max(newest + 1, nowMs());
    const controls = await this.#eachBucket(async (bucket) => {
      const answer = await this.#call(
        bucket,
        [keys.control(bucket)],
        ['acquire', String(generation)],
      );
      if (!answer.startsWith('OK')) throw fenced({ generation, head: null });
      const text = answer.slice(3);
      return text === '' ? null : parseControlOrNull(text);
    });
    const epochs = controls.map((one) => one?.epoch ?? 0);
    const epoch = Math.max(...epochs);
    const whole = controls.flatMap((one) => (one === null || one.hash === null ? [] : [one]));
    const isWhole = whole.length === keys.buckets && whole.every((one) => one.epoch === epoch);
    const least = isWhole ? whole.reduce((a, b) => (b.commit < a.commit ? b : a)) : null;
    const head = least === null ? null : await headOf(least);
    const begun = isWhole ? Math.max(...whole.map((one) => one.commit)) : -1;
    const marks = controls.map(() => ({ least: 0, sent: 0 }));
    const headKey = least?.hash ? headName(least.commit, least.hash) : null;
    this.#state = { generation, epoch, head, headKey, begun, marks, removed: [] };
    return { generation, head };
  }

  async write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    const state = this.#leased(lease);
    const fresh = rows.filter((row) => !isPublished(state.head, commit, row.group));
    const byBucket = Map.groupBy(fresh, (row) => this.#options.keys.bucketOf(row));
    const calls: (() => Promise<void>)[] = [];
    for (const [bucket, ofBucket] of byBucket) {
      for (const some of portions(ofBucket)) {
        calls.push(() => this.#writeSome(state, bucket, commit, some));
      }
    }
    await atOnce(calls, SERVING_LIMITS.redisWritesAtOnce);
    for (const row of fresh) if (row.body === null) state.removed.push(row);
  }

  async publish(lease: StoreLease, head: StoreHead): Promise<void> {
    const state = this.#leased(lease);
    const { keys, previousMs } = this.#options;
    const bytes = encodeHead(head);
    const hash = headHash(bytes);
    const name = headName(head.commit, hash);
    const base = [String(state.generation), String(state.epoch)];
    for (const bucket of keys.headBuckets()) {
      const place = keys.head(bucket, state.epoch, name);
      await this.#done(bucket, [keys.control(bucket), place], ['head', ...base, bytes], lease);
    }
    // All buckets or none: one that is further would refuse it after others took it.
    if (state.begun >= 0) refuseAhead(head, { commit: state.begun });
    state.begun = Math.max(state.begun, head.commit);
    await this.#eachBucket(async (bucket) => {
      const { least, sent } = state.marks[bucket] as BucketMarks;
      const marks = [String(least), String(sent)];
      const args = ['publish', ...base, ...marks, String(head.commit), hash];
      await this.#done(bucket, [keys.control(bucket)], args, lease);
    });
    const former = state.headKey;
    state.head = head;
    state.headKey = name;
    await this.#expireRemoved(state, lease);
    if (former === null || former === name) return;
    for (const bucket of keys.headBuckets()) {
      const place = keys.head(bucket, state.epoch, former);
      const args = ['forget', ...base, String(previousMs)];
      await this.#done(bucket, [keys.control(bucket), place], args, lease);
    }
  }

  /** Ends what all buckets hold by another epoch; its keys are removed by whoever calls it. */
  async clear(lease: StoreLease): Promise<number> {
    const state = this.#leased(lease);
    const { keys, nowMs } = this.#options;
    const epoch = Math.max(state.epoch + 1, Math.floor(nowMs() / 1000));
    await this.#eachBucket(async (bucket) => {
      const args = ['clear', String(state.generation), String(epoch)];
      await this.#done(bucket, [keys.control(bucket)], args, lease);
    });
    const marks = state.marks.map(() => ({ least: 0, sent: 0 }));
    Object.assign(state, { epoch, head: null, headKey: null, begun: -1, marks, removed: [] });
    return epoch;
  }

  /** Removes keys of one bucket, if the lease still holds. */
  async drop(lease: StoreLease, bucket: number, names: readonly string[]): Promise<void> {
    const { generation, epoch } = this.#leased(lease);
    const args = ['drop', String(generation), String(epoch)];
    await this.#done(bucket, [this.#options.keys.control(bucket), ...names], args, lease);
  }

  epochOf(lease: StoreLease): number {
    return this.#leased(lease).epoch;
  }

  async #writeSome(
    state: LeaseState,
    bucket: number,
    commit: number,
    rows: readonly RowWrite[],
  ): Promise<void> {
    const { keys, previousMs } = this.#options;
    const marks = state.marks[bucket] as BucketMarks;
    marks.sent += 1;
    const { sent } = marks;
    const lease = { generation: state.generation, head: null };
    const names = [keys.control(bucket)];
    const args: RedisArgument[] = ['write', String(state.generation), String(state.epoch)];
    args.push(String(marks.least), String(sent), String(commit), String(state.begun));
    args.push(String(previousMs));
    for (const row of rows) {
      names.push(keys.row(bucket, state.epoch, row), keys.previous(bucket, state.epoch, row));
      args.push(encodeRowHead(row, { generation: state.generation, commit }, row.body));
      args.push(String(row.body === null ? 0 : (row.expiresMs ?? 0)));
    }
    await this.#done(bucket, names, args, lease);
    if (sent > marks.least) marks.least = sent;
  }

  async #expireRemoved(state: LeaseState, lease: StoreLease): Promise<void> {
    const { keys, previousMs } = this.#options;
    const removed = state.removed;
    state.removed = [];
    const byBucket = Map.groupBy(removed, (row) => keys.bucketOf(row));
    const base = ['expire', String(state.generation), String(state.epoch), String(previousMs)];
    const calls: (() => Promise<void>)[] = [];
    for (const [bucket, ofBucket] of byBucket) {
      const names = ofBucket.map((row) => keys.row(bucket, state.epoch, row));
      for (let at = 0; at < names.length; at += SERVING_LIMITS.redisRowsPerWrite) {
        const some = names.slice(at, at + SERVING_LIMITS.redisRowsPerWrite);
        calls.push(() => this.#done(bucket, [keys.control(bucket), ...some], base, lease));
      }
    }
    await atOnce(calls, SERVING_LIMITS.redisWritesAtOnce);
  }

  #leased(lease: StoreLease): LeaseState {
    if (this.#state === null || this.#state.generation !== lease.generation) throw fenced(lease);
    return this.#state;
  }

  async #controls(): Promise<(BucketControl | null)[]> {
    const { keys } = this.#options;
    return this.#eachBucket(async (bucket) => {
      const reply = await this.#function.send(keys.slotOf(bucket), ['GET', keys.control(bucket)]);
      return Buffer.isBuffer(reply) ? parseControlOrNull(reply.toString()) : null;
    });
  }

  /** @throws AsofError `store_fenced`, `store_lost_writes`, `store_ahead`, ... by the answer */
  async #done(
    bucket: number,
    names: readonly string[],
    args: readonly RedisArgument[],
    lease: StoreLease,
  ): Promise<void> {
    const answer = await this.#call(bucket, names, args);
    if (answer.startsWith('OK')) return;
    if (answer.startsWith('FENCED')) throw fenced(lease);
    if (answer.startsWith('AHEAD')) {
      refuseAhead({ commit: 0 }, { commit: Number(answer.slice(6)) });
    }
    throw new AsofError(
      'store_lost_writes',
      'Redis lost rows that it had confirmed: all of them have to be written again.',
    );
  }

  async #call(
    bucket: number,
    names: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<string> {
    return this.#function.call(this.#options.keys.slotOf(bucket), names, args);
  }

  async #eachBucket<T>(run: (bucket: number) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: this.#options.keys.buckets }, (_, i) => run(i)));
  }
}

/** Damaged control records are as good as none; of a newer format they are refused. */
function parseControlOrNull(text: string): BucketControl | null {
  try {
    return parseControl(text);
  } catch (error) {
    if (error instanceof AsofError && error.code === 'newer_format') throw error;
    return null;
  }
}

function* portions(rows: readonly RowWrite[]): Generator<RowWrite[]> {
  const { redisRowsPerWrite, redisBytesPerWrite } = SERVING_LIMITS;
  let some: RowWrite[] = [];
  let bytes = 0;
  for (const row of rows) {
    some.push(row);
    bytes += row.body?.length ?? 0;
    if (some.length < redisRowsPerWrite && bytes < redisBytesPerWrite) continue;
    yield some;
    some = [];
    bytes = 0;
  }
  if (some.length > 0) yield some;
}

/** Runs calls, so many at once; the first failure is thrown once those under way have ended. */
async function atOnce(calls: readonly (() => Promise<void>)[], most: number): Promise<void> {
  for (let at = 0; at < calls.length; at += most) {
    const results = await Promise.allSettled(calls.slice(at, at + most).map((call) => call()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
