import { stopwatchMs } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { PrimaryRead, RowsAsked } from '../store/primary-rows.ts';
import type { StoredRow } from '../store/row-store.ts';
import type { Publication, PublishedState } from './publication.ts';
import type { PublisherStatus } from './publisher-status.ts';
import { type WantedBounds, WantedKeys } from './wanted-keys.ts';

/**
 * Groups of which only what is read is published: which keys those are outlives the engine, and
 * rows that are not in the store are answered from its state, in memory or on disk.
 */
export class SelectedGroups {
  readonly #bounds: WantedBounds;
  #wanted = new Map<string, WantedKeys>();
  #history: string | null = null;
  /** Rows answered since the start. */
  coldReads = 0;

  constructor(bounds: WantedBounds) {
    this.#bounds = bounds;
  }

  /** The wanted keys of a state, by group. Of another history none are kept: somebody was forgotten. */
  take({ history, selected }: PublishedState): ReadonlyMap<string, WantedKeys> {
    const before = history === this.#history ? this.#wanted : new Map<string, WantedKeys>();
    this.#history = history;
    this.#wanted = new Map();
    for (const [group, online] of selected ?? []) {
      const wanted = before.get(group) ?? new WantedKeys(online, this.#bounds);
      wanted.choose(online);
      this.#wanted.set(group, wanted);
    }
    return this.#wanted;
  }

  /** All rows as of one commit; those of selected groups are published from now on. Synchronous. */
  answer(publication: Publication | null, { rows, read }: RowsAsked): PrimaryRead {
    if (publication === null) {
      throw new AsofError('store_unavailable', 'The state of the primary is not whole.');
    }
    const nowMs = stopwatchMs();
    const groups = new Map(publication.groups.map((one) => [one.group.id, one]));
    for (const [group, key, count] of read) groups.get(group)?.ask(key, count, nowMs, false);
    const { history, store } = publication.state;
    const position = store.applied.store();
    const answered = rows.map(({ group, key }): StoredRow | null => {
      const published = groups.get(group);
      if (published === undefined) {
        throw new AsofError('store_unavailable', `The primary has no group '${group}'.`);
      }
      const body = published.bodyOf(key);
      published.ask(key, 1, nowMs, body !== null);
      return body === null ? null : { body, sinceCommit: position.commit };
    });
    this.coldReads += answered.length;
    return { history, position, rows: answered };
  }
}

/** How much of what is published is selected. */
export function selectedStatus(
  publication: Publication | null,
  { coldReads }: SelectedGroups,
): Pick<PublisherStatus, 'selectedGroups' | 'selectedKeys' | 'coldReads'> {
  const selective = publication?.groups.filter(({ isSelective }) => isSelective) ?? [];
  const selectedKeys = selective.reduce((sum, one) => sum + one.selectedKeys, 0);
  return { selectedGroups: selective.length, selectedKeys, coldReads };
}
