/** Counters of the stream engine since it was opened; the app shows them, the tests check them. */
export interface StreamMetrics {
  eventsApplied: number;
  batchesApplied: number;
  /** Batches that came again and changed nothing. */
  batchesIgnored: number;
  /** Events that a group could not place: a key column is null or ''. */
  keylessEvents: number;
  /** int64 overflow, and float64 beyond 2^53 after quantizing, in filters and measures. */
  overflow: number;
  divisionByZero: number;
  keysEvicted: number;
  evictionLooks: number;
  /** Saved rows read to find those that have expired. */
  evictionReads: number;
  applyMs: number;
  checkpoints: number;
  checkpointFailures: number;
  checkpointRows: number;
  /** Rows written again, so that files with little in them could go. */
  checkpointMoves: number;
  checkpointBytes: number;
  /** Rows copied because they changed while a checkpoint was being taken. */
  checkpointCopies: number;
  checkpointMs: number;
  lastCheckpointAtMs: number;
  lastCheckpointMs: number;
  lastCheckpointBytes: number;
  lastCheckpointCommit: number;
  /** Rows that came from disk because somebody read them or an event was theirs. */
  rowsLoaded: number;
  /** Rows taken out of memory; they are on disk. */
  rowsSpilled: number;
  /** Of groups that were being built when the engine was opened. */
  rowsSpilledBuilding: number;
  /** 1 where the saved state was damaged, and has been built anew from archive and log. */
  statesRebuilt: number;
  eventsReplayed: number;
  /** Groups that the checkpoint lacked, loaded ones among them. */
  groupsRebuilt: number;
  /** Groups that came from tile snapshots, and their tiles. */
  groupsLoaded: number;
  tilesLoaded: number;
  eventsRebuilt: number;
}

export function newMetrics(): StreamMetrics {
  return {
    eventsApplied: 0,
    batchesApplied: 0,
    batchesIgnored: 0,
    keylessEvents: 0,
    overflow: 0,
    divisionByZero: 0,
    keysEvicted: 0,
    evictionLooks: 0,
    evictionReads: 0,
    applyMs: 0,
    checkpoints: 0,
    checkpointFailures: 0,
    checkpointRows: 0,
    checkpointMoves: 0,
    checkpointBytes: 0,
    checkpointCopies: 0,
    checkpointMs: 0,
    lastCheckpointAtMs: 0,
    lastCheckpointMs: 0,
    lastCheckpointBytes: 0,
    lastCheckpointCommit: 0,
    rowsLoaded: 0,
    rowsSpilled: 0,
    rowsSpilledBuilding: 0,
    statesRebuilt: 0,
    eventsReplayed: 0,
    groupsRebuilt: 0,
    groupsLoaded: 0,
    tilesLoaded: 0,
    eventsRebuilt: 0,
  };
}
