import { AsofError } from '../base/errors.ts';
import type { StoredPosition } from './applied-position.ts';

export const STATE_FORMAT = 2;

/** What a checkpoint says of itself; stored in the frame that makes its rows known. */
export interface CheckpointMeta {
  readonly format: number;
  readonly position: StoredPosition;
  readonly groups: readonly StoredGroup[];
}

export interface StoredGroup {
  readonly id: string;
  /** Stands in each of its rows. */
  readonly number: number;
  /** Only some of its rows are there, as it was still being built: it is built anew. */
  readonly partial?: boolean;
}

export function corruptState(message: string, cause?: unknown): AsofError {
  return new AsofError('corrupt_state', message, {
    remedy: 'Delete the state folder; it is rebuilt from the archive and the log.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function encodeMeta(meta: CheckpointMeta): string {
  return JSON.stringify(meta);
}

/** @throws AsofError `newer_format`, `corrupt_state` */
export function decodeMeta(text: string): CheckpointMeta {
  let meta: unknown;
  try {
    meta = JSON.parse(text);
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
  const { position, groups } = value;
  if (!isRecord(position) || !Array.isArray(groups)) return false;
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
  return isRecord(value) && typeof value.id === 'string' && isCount(value.number);
}
