/** One immutable file of tiles of one event day, or of a part of its keys. */
export interface TileFile {
  /** The real path. */
  readonly path: string;
  /** Days since the epoch, UTC: every tile of the file begins in this one. */
  readonly day: number;
}

/** All tiles of one group as of a commit: what the group would hold had it seen every event. */
export interface TileSnapshot {
  readonly throughCommit: number;
  /** Of rising days. */
  readonly files: readonly TileFile[];
}

/** What the stream engine needs of the offline catalog: tiles that a backfill has computed. */
export interface TileSnapshots {
  /** The newest complete snapshot of a group, or null. */
  find(groupId: string): TileSnapshot | null;
  /** Whether a file is as it was published. */
  isSound(file: TileFile): Promise<boolean>;
}
