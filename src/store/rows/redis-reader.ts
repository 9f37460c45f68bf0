import { AsofError } from '../../base/errors.ts';
import type { Pause } from '../../base/pause.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { ReadOptions, RowKey, StoreHead, StoreRead } from '../row-store.ts';
import { decodeHead } from './head-format.ts';
import type { BucketControl } from './redis-control.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisLink, RedisSide } from './redis-link.ts';
import {
  type AheadRow,
  agree,
  blobs,
  faultOf,
  fetchPart,
  KnownHeads,
  LOST,
  NOT_YET,
  type PartsHead,
  type ReadRow,
  splitRead,
  takePrevious,
  takeRows,
} from './redis-read.ts';

export interface RedisReaderOptions {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  readonly side: RedisSide;
  readonly stopwatchMs: () => number;
  readonly pause: Pause;
}

const WRITTEN = {
  fault: 'unavailable',
  message: 'The row is being written, and what it was before is not there any more.',
} as const;

/**
 * Reads rows as of one head. A bucket's rows and its control record come by one command, in one
 * moment of one server. So all of what a bucket published is in its rows, and the least of what the
 * buckets published is a position that every one of them can answer: a row that is later gives its
 * version before, in a second round trip. If that is gone, as the publisher went on, the read begins
 * anew. It holds for replicas as for masters, since a replica is its master at an earlier moment.
 */
export class RedisReader {
  readonly #options: RedisReaderOptions;
  readonly #heads = new KnownHeads();
  readonly #fetching = new Map<string, Promise<StoreHead | null>>();
  #epoch = 0;

  constructor(options: RedisReaderOptions) {
    this.#options = options;
  }

  async read(keys: readonly RowKey[], { deadlineMs }: ReadOptions): Promise<StoreRead> {
    const leftMs = deadlineMs - this.#options.stopwatchMs();
    if (leftMs === Number.POSITIVE_INFINITY) return this.#tryRead(keys, NEVER);
    const ended = new AbortController();
    const isOver = (): 'timeout' => 'timeout';
    const timeout = this.#options.pause(Math.max(0, leftMs), ended.signal).then(isOver, isOver);
    try {
      return await this.#tryRead(keys, timeout);
    } finally {
      // With a reason of its own, as making the usual one costs more than the read.
      ended.abort(ENDED);
    }
  }

  /** What a control record's head says. */
  async headOf({ epoch, commit, hash }: BucketControl): Promise<StoreHead | null> {
    return hash === null ? null : this.#fetchHead({ epoch, commit, hash });
  }

  async #tryRead(keys: readonly RowKey[], timeout: Promise<'timeout'>): Promise<StoreRead> {
    let rows: ReadRow[] = [];
    let head: StoreHead | null = null;
    for (let attempt = 1; attempt <= SERVING_LIMITS.redisReadAttempts; attempt++) {
      // Whoever is behind is not asked twice: masters know the newest.
      const side = attempt === 1 ? this.#options.side : 'master';
      const begun = await this.#begin(keys, side, timeout);
      if (begun === 'again') continue;
      if (begun === null) return { head: null, rows: keys.map(() => null) };
      head = begun.head;
      rows = begun.rows;
      const late = await this.#complete(keys, begun.ahead, begun.commit, rows, timeout);
      if (late.length === 0) return { head, rows };
      for (const { place } of late) rows[place] = WRITTEN;
    }
    if (head !== null) return { head, rows };
    throw new AsofError(
      'store_unavailable',
      'The rows in Redis changed faster than they were read.',
    );
  }

  /** The first round trip: all rows as they are now, and the head that they can be read as of. */
  async #begin(
    keys: readonly RowKey[],
    side: RedisSide,
    timeout: Promise<'timeout'>,
  ): Promise<
    'again' | null | { head: StoreHead; commit: number; rows: ReadRow[]; ahead: AheadRow[] }
  > {
    const { link, keys: names } = this.#options;
    const epoch = this.#epoch;
    const parts = splitRead(keys, names);
    const all = parts.map((part) => fetchPart(part, keys, epoch, { link, names, side }));
    const isLate = await isTimeout(Promise.all(all), timeout);
    // What comes later would change an answer that was given.
    const taken = parts.map((part) => ({ ...part }));
    for (const one of all) one.catch(() => undefined);
    const agreement = agree(taken, epoch);
    if (agreement.kind === 'none') throw allFailed(taken[0]?.fault?.message, isLate);
    const isBehind = agreement.kind === 'empty' || taken.some((part) => part.fault === LOST);
    if (isBehind && side === 'any') return 'again';
    if (agreement.kind === 'empty') return null;
    if (agreement.kind === 'epoch') {
      this.#epoch = agreement.epoch;
      return 'again';
    }
    const head = await this.#head(agreement.head, timeout);
    if (head === null) return 'again';
    const { commit } = agreement.head;
    const rows: ReadRow[] = new Array(keys.length).fill(NOT_YET);
    const ahead = takeRows(taken, keys, commit, rows);
    return { head, commit, rows, ahead };
  }

  /** The second round trip, for rows that are ahead; gives back those that are further by now. */
  async #complete(
    keys: readonly RowKey[],
    ahead: readonly AheadRow[],
    commit: number,
    rows: ReadRow[],
    timeout: Promise<'timeout'>,
  ): Promise<AheadRow[]> {
    if (ahead.length === 0) return [];
    const late: AheadRow[] = [];
    const { keys: names, link } = this.#options;
    let isOver = false;
    for (const { place } of ahead) rows[place] = NOT_YET;
    const lookUp = async (bucket: number, ofBucket: AheadRow[]): Promise<void> => {
      const places = ofBucket.map(({ place }) =>
        names.previous(bucket, this.#epoch, keys[place] as RowKey),
      );
      try {
        const [key] = places as [string];
        const reply = await link.send(names.slotOf(bucket), key, ['MGET', ...places], 'master');
        if (isOver) return;
        const records = blobs(reply, places.length);
        ofBucket.forEach((row, i) => {
          if (!takePrevious(row, records[i] ?? null, keys, commit, rows)) late.push(row);
        });
      } catch (error) {
        const fault = faultOf(error);
        if (!isOver) for (const { place } of ofBucket) rows[place] = fault;
      }
    };
    const byBucket = Map.groupBy(ahead, (row) => row.bucket);
    const all = Array.from(byBucket, ([bucket, ofBucket]) => lookUp(bucket, ofBucket));
    const isLate = await isTimeout(Promise.all(all), timeout);
    isOver = true;
    return isLate ? [] : late;
  }

  /** What a head says; null where it is gone, as a later one was published since. */
  async #head(of: PartsHead, timeout: Promise<'timeout'>): Promise<StoreHead | null> {
    const name = `${of.epoch}.${headName(of.commit, of.hash)}`;
    const known = this.#heads.get(name);
    if (known !== undefined) return known;
    let fetching = this.#fetching.get(name);
    if (fetching === undefined) {
      fetching = this.#fetchHead(of).finally(() => this.#fetching.delete(name));
      fetching.catch(() => undefined);
      this.#fetching.set(name, fetching);
    }
    const head = await (timeout === NEVER ? fetching : Promise.race([fetching, timeout]));
    if (head === 'timeout') throw allFailed(undefined, true);
    if (head !== null) this.#heads.add(name, head);
    return head;
  }

  async #fetchHead({ epoch, commit, hash }: PartsHead): Promise<StoreHead | null> {
    const { keys: names, link } = this.#options;
    let failure: unknown = null;
    for (const bucket of names.headBuckets()) {
      const key = names.head(bucket, epoch, headName(commit, hash));
      try {
        const reply = await link.send(names.slotOf(bucket), key, ['GET', key], 'master');
        const [bytes] = blobs([reply], 1);
        if (bytes !== null && bytes !== undefined) return decodeHead(bytes);
      } catch (error) {
        failure = error;
      }
    }
    if (failure === null) return null;
    if (failure instanceof AsofError) throw failure;
    throw allFailed(faultOf(failure).message, false);
  }
}

const ENDED = 'ended';
const NEVER = new Promise<'timeout'>(() => undefined);

/** Nothing is hung on the promise that never comes: it would hold on to it for ever. */
async function isTimeout(run: Promise<unknown>, timeout: Promise<'timeout'>): Promise<boolean> {
  const first = await (timeout === NEVER ? run : Promise.race([run, timeout]));
  return first === 'timeout';
}

/** Under which a head is kept. */
export function headName(commit: number, hash: string): string {
  return `${commit.toString(36)}.${hash}`;
}

function allFailed(message: string | undefined, isLate: boolean): AsofError {
  if (isLate) return new AsofError('store_timeout', 'Redis did not answer in time.');
  return new AsofError(
    'store_unavailable',
    `Redis does not answer: ${message ?? 'no reason given'}`,
  );
}
