import {
  type CatalogDetails,
  type CatalogRow,
  detailsOf,
  numberOrNull,
  textOrNull,
} from './offline-catalog-file.ts';

/** Provisional until its grace has passed, then final; dirty once something came after that. */
export type PartitionState = 'provisional' | 'final' | 'dirty';

/** One part of a partition as it is published: an immutable file, or a fact without one. */
export interface NewPart {
  /** Relative to the data directory; null where the partition has no file of its own. */
  readonly path: string | null;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file in hexadecimal digits. */
  readonly checksum: string | null;
  /** What it stands for: all commits after `fromCommit` through `throughCommit`. */
  readonly fromCommit: number;
  readonly throughCommit: number;
  /** What it was made from, to see whether that has changed. */
  readonly fingerprint: string | null;
  readonly details: CatalogDetails;
  readonly state: PartitionState;
}

export interface PartitionPart extends NewPart {
  readonly subject: string;
  /** Such as an event day, `2026-01-31`, or an upstream unit. */
  readonly partition: string;
  /** From 0, dense within its partition. */
  readonly part: number;
  /** The subject's generation that brought it. */
  readonly generation: number;
  readonly writtenMs: number;
  readonly finalMs: number | null;
  /** Since when another stands in its place; null of what is live. */
  readonly retiredMs: number | null;
}

/** What all live partitions of a subject together are. */
export interface CatalogSubject {
  readonly subject: string;
  /** Grows by one with every publishing; 0 before the first. */
  readonly generation: number;
  /** Its partitions hold all commits through this one. */
  readonly throughCommit: number;
  readonly details: CatalogDetails;
  readonly updatedMs: number;
}

export function subjectOf(row: CatalogRow): CatalogSubject {
  return {
    subject: String(row.subject),
    generation: Number(row.generation),
    throughCommit: Number(row.through_commit),
    details: detailsOf(row.details),
    updatedMs: Number(row.updated_ms),
  };
}

export function partOf(row: CatalogRow): PartitionPart {
  const { state } = row;
  return {
    subject: String(row.subject),
    partition: String(row.partition),
    part: Number(row.part),
    generation: Number(row.generation),
    path: textOrNull(row.path),
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    checksum: textOrNull(row.checksum),
    fromCommit: Number(row.from_commit),
    throughCommit: Number(row.through_commit),
    fingerprint: textOrNull(row.fingerprint),
    details: detailsOf(row.details),
    state: state === 'final' || state === 'dirty' ? state : 'provisional',
    writtenMs: Number(row.written_ms),
    finalMs: numberOrNull(row.final_ms),
    retiredMs: numberOrNull(row.retired_ms),
  };
}
