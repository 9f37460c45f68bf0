import { AsofError } from '../base/errors.ts';
import type { StoredPosition } from './applied-position.ts';

export const STATE_FORMAT = 1;

/** Marks a record of a row that is to be deleted. */
export const DELETED = 0xffff_ffff;

/** What a checkpoint says of itself; stored in the transaction that stores its rows. */
export interface CheckpointMeta {
  readonly format: number;
  /** Of the engine that wrote it; one of an older generation must not write any more. */
  readonly generation: number;
  readonly position: StoredPosition;
  readonly groups: readonly StoredGroup[];
}

export interface StoredGroup {
  readonly id: string;
  /** Live rows, checked when they are loaded. */
  readonly rows: number;
  /** Row numbers are below this. */
  readonly rowBound: number;
}

/** What a checkpoint changes: `baseCommit` is the checkpoint it must follow. */
export interface CheckpointCommit {
  readonly meta: CheckpointMeta;
  readonly baseCommit: number;
  /** Groups that nobody needs any more. */
  readonly dropped: readonly string[];
}

export interface CheckpointWritten {
  readonly puts: number;
  readonly deletes: number;
}

export function corruptState(message: string, cause?: unknown): AsofError {
  return new AsofError('corrupt_state', message, {
    remedy: 'Delete the state folder; it is rebuilt from the archive and the log.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function encodeMeta(meta: CheckpointMeta): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(meta));
}

/** @throws AsofError `newer_format`, `corrupt_state` */
export function decodeMeta(bytes: Uint8Array): CheckpointMeta {
  let meta: unknown;
  try {
    meta = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corruptState('The checkpoint does not say what it holds.', cause);
  }
  if (!isRecord(meta) || typeof meta.format !== 'number') {
    throw corruptState('The checkpoint does not name its format.');
  }
  if (meta.format > STATE_FORMAT) {
    throw new AsofError(
      'newer_format',
      `The state has format ${meta.format}; this asof reads up to ${STATE_FORMAT}.`,
      { remedy: 'Upgrade asof, or delete the state folder: it is rebuilt from archive and log.' },
    );
  }
  if (!isMeta(meta)) throw corruptState('The checkpoint lacks its position or its groups.');
  return meta;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isMeta(value: Record<string, unknown>): value is Record<string, unknown> & CheckpointMeta {
  const { generation, position, groups } = value;
  if (!isCount(generation) || !isRecord(position) || !Array.isArray(groups)) return false;
  if (!isCount(position.commit) || !isCount(position.newestArrivalMs)) return false;
  if (!isRecord(position.sources)) return false;
  return Object.values(position.sources).every(isSource) && groups.every(isGroup);
}

function isSource(value: unknown): boolean {
  if (!isRecord(value) || !Array.isArray(value.lastOffsets)) return false;
  const counts = [value.events, value.newestArrivalMs, value.newestEventMs];
  return counts.every(isCount) && value.lastOffsets.every(Number.isSafeInteger);
}

function isGroup(value: unknown): boolean {
  if (!isRecord(value) || typeof value.id !== 'string') return false;
  return isCount(value.rows) && isCount(value.rowBound);
}
