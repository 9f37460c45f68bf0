import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { type KnownHead, knownHead } from './known-head.ts';
import type { PrimaryRead, PrimaryRows } from './primary-rows.ts';
import type { ReplicaRead } from './replica-read.ts';
import type { RowKey, StoredRow, StoreFault } from './row-store.ts';
import { isOfHistory, isSelected } from './stored-groups.ts';

/**
 * Completes what was read from a store that holds some keys only: a row that is not there is not
 * known to be absent. If there is such a row, all rows of the answer come from the primary, as of
 * one commit; where that cannot be had, the rows that are missing are faults.
 */
export class ColdReads {
  /** Rows that were asked from the primary, and those that it did not give. */
  asked = 0;
  failed = 0;
  readonly #primary: PrimaryRows | null;
  readonly #nowMs: () => number;
  /** Keys that were read of groups that are selected, and how often, since the primary heard of it. */
  #read = new Map<string, [group: string, key: string, count: number]>();

  constructor(primary: PrimaryRows | null, nowMs: () => number) {
    this.#primary = primary;
    this.#nowMs = nowMs;
  }

  /** The same read where nothing is missing of it. */
  complete(
    wanted: readonly RowKey[],
    read: ReplicaRead,
    deadlineMs: number,
  ): ReplicaRead | Promise<ReplicaRead> {
    const { known, rows } = read;
    if (known === null || !known.isSelected) return read;
    let isCold = false;
    for (let i = 0; i < wanted.length; i++) {
      const one = wanted[i] as RowKey;
      if (!isSelected(known.names.get(one.group) ?? '')) continue;
      if ((rows[i] ?? null) === null) isCold = true;
      else this.#count(one);
    }
    return isCold ? this.#fetch(wanted, read, known, deadlineMs) : read;
  }

  /** Tells the primary which keys are read, though it is not asked for them; never rejects. */
  async tell(deadlineMs: number): Promise<void> {
    if (this.#primary === null || this.#read.size === 0) return;
    const read = [...this.#read.values()];
    this.#read = new Map();
    // What is lost is counted again when it is read again.
    await this.#primary.read({ rows: [], read }, deadlineMs).catch(() => {});
  }

  async #fetch(
    wanted: readonly RowKey[],
    read: ReplicaRead,
    known: KnownHead,
    deadlineMs: number,
  ): Promise<ReplicaRead> {
    this.asked += wanted.length;
    try {
      if (this.#primary === null) {
        throw new AsofError('store_unavailable', 'The primary of this store is not known here.');
      }
      const given = await this.#primary.read({ rows: wanted, read: [] }, deadlineMs);
      return this.#taken(wanted, given, known);
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
      return { ...read, rows: this.#withFaults(wanted, read, known, error) };
    }
  }

  /** @throws AsofError where the primary is not the one whose rows are in the store */
  #taken(wanted: readonly RowKey[], given: PrimaryRead, known: KnownHead): ReplicaRead {
    const isOfStore = wanted.every(({ group }) => {
      const name = known.names.get(group);
      return name === undefined || isOfHistory(name, given.history);
    });
    const isBehind = given.position.commit < known.head.commit;
    if (!isOfStore || isBehind || given.rows.length !== wanted.length) {
      throw new AsofError('store_unavailable', 'The primary has other rows than the store.');
    }
    const { position } = given;
    const head = { commit: position.commit, position, groups: known.head.groups };
    return { known: knownHead(head, this.#nowMs(), known), rows: given.rows, failure: null };
  }

  #withFaults(
    wanted: readonly RowKey[],
    { rows }: ReplicaRead,
    known: KnownHead,
    { code, message }: AsofError,
  ): ReplicaRead['rows'] {
    const fault = code === 'store_timeout' ? 'timeout' : 'unavailable';
    return wanted.map(({ group }, i): StoredRow | StoreFault | null => {
      const row = rows[i] ?? null;
      if (row !== null || !isSelected(known.names.get(group) ?? '')) return row;
      this.failed += 1;
      return { fault, message };
    });
  }

  #count(one: RowKey): void {
    const place = `${one.group}\n${one.key}`;
    const counted = this.#read.get(place);
    if (counted !== undefined) counted[2] += 1;
    else if (this.#read.size < LIMITS.askedKeys) this.#read.set(place, [one.group, one.key, 1]);
  }
}
