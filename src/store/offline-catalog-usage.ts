import type { CatalogFile } from './offline-catalog-file.ts';

/** What each owner has used, by what runs and files say of themselves in `owner`. */
export class CatalogUsage {
  readonly #file: CatalogFile;

  constructor(file: CatalogFile) {
    this.#file = file;
  }

  /** Rows that chunks of an owner's runs have read since a time. */
  rows(owner: string, sinceMs: number): number {
    const row = this.#file.get(
      `SELECT coalesce(sum(rows_in), 0) AS rows FROM chunks JOIN runs ON run = number
       WHERE chunks.status = 'done' AND chunks.updated_ms >= ? AND options ->> 'owner' = ?`,
      sinceMs,
      owner,
    );
    return Number(row?.rows ?? 0);
  }

  /**
   * Bytes of files of an owner: live ones, retired ones that are not removed yet, and what runs that
   * are not over have written so far.
   */
  bytes(owner: string): number {
    const row = this.#file.get(
      `SELECT (SELECT coalesce(sum(bytes), 0) FROM partitions WHERE details ->> 'owner' = ?1)
         + (SELECT coalesce(sum(chunks.bytes), 0) FROM chunks JOIN runs ON run = number
            WHERE runs.status <> 'done' AND options ->> 'owner' = ?1) AS bytes`,
      owner,
    );
    return Number(row?.bytes ?? 0);
  }

  /** Bytes of live files by subject. */
  bySubject(): ReadonlyMap<string, number> {
    const rows = this.#file.all(
      `SELECT subject, sum(bytes) AS bytes FROM partitions WHERE retired_ms IS NULL GROUP BY subject`,
    );
    return new Map(rows.map(({ subject, bytes }) => [String(subject), Number(bytes)]));
  }
}
