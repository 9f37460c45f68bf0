import type { RowStore } from '../store/row-store.ts';

export interface PublishTotals {
  /** Heads published since the start. */
  publishes: number;
  rows: number;
  bytes: number;
  publishMs: number;
  lastPublishMs: number;
  failures: number;
  /** Times that everything was written anew on demand. */
  rebuilds: number;
}

export interface PublisherStatus extends Readonly<PublishTotals> {
  readonly kind: RowStore['kind'];
  /**
   * `building`: rows of some group are written whole. `away`: it is tried again and again.
   * `stopped`: nothing is written until somebody says so.
   */
  readonly state: 'publishing' | 'building' | 'away' | 'stopped';
  readonly reason: string | null;
  /** What readers are answered from; null before anything was published by this process. */
  readonly commit: number | null;
  /** How far that is behind what has been applied. */
  readonly lagCommits: number;
  /** How long the oldest change waits to be published. */
  readonly lagMs: number;
  /** Tile groups of which only keys that are read are published, and how many keys those are. */
  readonly selectedGroups: number;
  readonly selectedKeys: number;
  /** Rows that readers asked for because the store did not have all of an answer. */
  readonly coldReads: number;
  readonly building: { readonly rows: number; readonly of: number } | null;
}

export function newPublishTotals(): PublishTotals {
  return {
    publishes: 0,
    rows: 0,
    bytes: 0,
    publishMs: 0,
    lastPublishMs: 0,
    failures: 0,
    rebuilds: 0,
  };
}

export function countPublished(
  totals: PublishTotals,
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
  tookMs: number,
): void {
  totals.publishes += 1;
  totals.rows += rows;
  totals.bytes += bytes;
  totals.publishMs += tookMs;
  totals.lastPublishMs = tookMs;
}
