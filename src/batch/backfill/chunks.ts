import type { CatalogChunk } from '../../store/offline-catalog-runs.ts';
import type { DayRows } from './day-rows.ts';
import type { KeySlice } from './tile-port.ts';

/** A part of a run that fits into memory: whole days, or a slice of the keys of one day. */
export interface ChunkPlan {
  /** From 1. */
  readonly chunk: number;
  readonly days: readonly DayRows[];
  readonly slice: KeySlice | null;
}

/** One file that a chunk wrote: the tiles of one day, or of a slice of it. */
export interface ChunkFile {
  readonly day: number;
  readonly path: string;
  /** Tiles. */
  readonly rows: number;
  /** Rows of the history that went in. */
  readonly events: number;
  readonly bytes: number;
  readonly checksum: string;
}

/**
 * Cuts days into chunks of at most `rowsMax`: days that follow one another together, a day that is
 * too large into slices of its keys.
 */
export function cutChunks(days: readonly DayRows[], rowsMax: number): ChunkPlan[] {
  const chunks: Omit<ChunkPlan, 'chunk'>[] = [];
  let together: DayRows[] = [];
  let rows = 0;
  const end = (): void => {
    if (together.length > 0) chunks.push({ days: together, slice: null });
    together = [];
    rows = 0;
  };
  for (const day of days) {
    const slices = Math.ceil(day.rows / rowsMax);
    if (slices > 1) {
      end();
      for (let index = 0; index < slices; index += 1) {
        chunks.push({ days: [day], slice: { index, of: slices } });
      }
      continue;
    }
    if (rows + day.rows > rowsMax) end();
    together.push(day);
    rows += day.rows;
  }
  end();
  return chunks.map((chunk, index) => ({ chunk: index + 1, ...chunk }));
}

/** Rows that a chunk is expected to read; of a slice its share. */
export function rowsOfChunk({ days, slice }: ChunkPlan): number {
  const rows = days.reduce((sum, day) => sum + day.rows, 0);
  return slice === null ? rows : Math.ceil(rows / slice.of);
}

/** As the catalog keeps it; `attempt` counts how often it was begun. */
export function catalogChunk(
  plan: ChunkPlan,
  status: CatalogChunk['status'],
  attempt: number,
  files: readonly ChunkFile[] = [],
): CatalogChunk {
  const sum = (of: (file: ChunkFile) => number): number =>
    files.reduce((total, file) => total + of(file), 0);
  return {
    chunk: plan.chunk,
    status,
    attempt,
    rowsIn: sum((file) => file.events),
    rowsOut: sum((file) => file.rows),
    bytes: sum((file) => file.bytes),
    checksum: null,
    path: null,
    details: { days: plan.days, slice: plan.slice, files },
  };
}

/** A chunk of the catalog again, or null where it is not one of these. */
export function readChunk(
  noted: CatalogChunk,
): { readonly plan: ChunkPlan; readonly files: readonly ChunkFile[] } | null {
  const { days, slice, files } = noted.details;
  if (!isListOf(days, isDayRows) || !isListOf(files, isChunkFile)) return null;
  if (slice !== null && !isKeySlice(slice)) return null;
  return { plan: { chunk: noted.chunk, days, slice }, files };
}

function isListOf<T>(value: unknown, isOne: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isOne);
}

function isDayRows(value: unknown): value is DayRows {
  return hasNumbers(value, ['day', 'rows']);
}

function isKeySlice(value: unknown): value is KeySlice {
  return hasNumbers(value, ['index', 'of']);
}

function isChunkFile(value: unknown): value is ChunkFile {
  return hasNumbers(value, ['day', 'rows', 'events', 'bytes']) && hasTexts(value);
}

function hasTexts(value: object): boolean {
  return (
    'path' in value &&
    typeof value.path === 'string' &&
    'checksum' in value &&
    typeof value.checksum === 'string'
  );
}

function hasNumbers(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return names.every((name) => typeof fields.get(name) === 'number');
}
