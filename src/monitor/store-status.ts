/** What is published to an online store, for processes that only read. */
export interface StoreStatus {
  readonly kind: 'memory' | 'lmdb' | 'redis';
  /** `building`: rows are written whole. `stopped`: nothing is written until somebody says so. */
  readonly state: 'publishing' | 'building' | 'away' | 'stopped';
  readonly reason: string | null;
  /** What readers are answered from; null before anything was published. */
  readonly commit: number | null;
  /** How far that is behind what has been applied. */
  readonly lagCommits: number;
  readonly lagMs: number;
  /** Tile groups of which only keys that are read are published, and how many keys those are. */
  readonly selectedGroups: number;
  readonly selectedKeys: number;
  /** Rows that readers asked for because the store did not have all of an answer. */
  readonly coldReads: number;
  readonly building: { readonly rows: number; readonly of: number } | null;
  /** Since the start. */
  readonly publishes: number;
  readonly rows: number;
  readonly bytes: number;
  readonly publishMs: number;
  readonly lastPublishMs: number;
  readonly failures: number;
  /** Times that everything was written anew on demand. */
  readonly rebuilds: number;
}

/** What a process that only reads knows of the store that it answers from. */
export interface ReplicaStatus {
  readonly kind: 'memory' | 'lmdb' | 'redis';
  /** What it answers as of now; null before it could read anything. */
  readonly commit: number | null;
  /** How long ago the store was last read. */
  readonly headAgeMs: number | null;
  /** Why it cannot be read. */
  readonly reason: string | null;
  /** Tile groups of the definitions that are not published, or not yet. */
  readonly missingGroups: number;
  /** Kept decoded in memory. */
  readonly rows: number;
  /** Since the start. */
  readonly fetches: number;
  readonly rowsRead: number;
  readonly rowsFailed: number;
  /** `open`: the store failed again and again, and is left alone but for probes. */
  readonly breaker: 'closed' | 'open' | 'half_open';
  /** Times that it opened since the start. */
  readonly breakerOpened: number;
  /** Reads that were not made, or not waited for any longer, since the start; and why. */
  readonly refused: Readonly<Record<'open' | 'busy' | 'late', number>>;
  /** Reads that have not ended, those that nobody waits for any more included. */
  readonly underWay: number;
  readonly evictions: number;
  /** Rows asked from the primary because the store does not hold them, and those it did not give. */
  readonly coldRows: number;
  readonly coldRowsFailed: number;
  /** Of rows that are kept because they are read often; null where a store needs no such. */
  readonly hot: HotReadsStatus | null;
}

/** What a reader keeps of the keys that are read most. */
export interface HotReadsStatus {
  /** Found to be hot, and rows that are kept of them. */
  readonly keys: number;
  readonly rows: number;
  /** Since the start: rows that were answered without the store, and that it was asked for. */
  readonly hits: number;
  readonly misses: number;
  readonly refreshes: number;
  /** Answers whose kept and fetched rows had no position in common, so that all were fetched. */
  readonly conflicts: number;
}
