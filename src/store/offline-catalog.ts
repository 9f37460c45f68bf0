import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { CatalogAudits } from './offline-catalog-audits.ts';
import { CatalogFile } from './offline-catalog-file.ts';
import { CatalogLeases } from './offline-catalog-leases.ts';
import { CatalogPartitions } from './offline-catalog-partitions.ts';
import { CatalogRuns } from './offline-catalog-runs.ts';
import { CatalogUsage } from './offline-catalog-usage.ts';

export const CATALOG_FILE = 'catalog.db';

/**
 * What the offline side has done and has: runs, the immutable files that are current, and who works
 * on what. All of it is a cache of the log: without this file, tiles and tables are built anew.
 *
 * @example
 * const catalog = OfflineCatalog.open(config.dataDir, systemClock);
 * const lease = catalog.leases.take('tiles/g1', `backfill ${process.pid}`, 60_000);
 * const generation = catalog.partitions.subject('tiles/g1')?.generation ?? 0;
 * catalog.partitions.publish({
 *   subject: 'tiles/g1', expectedGeneration: generation, throughCommit: 71, lease,
 *   partitions: new Map([['2026-01-31', [part]]]),
 * });
 */
export class OfflineCatalog {
  readonly runs: CatalogRuns;
  readonly partitions: CatalogPartitions;
  readonly leases: CatalogLeases;
  readonly audits: CatalogAudits;
  readonly usage: CatalogUsage;
  readonly #file: CatalogFile;

  private constructor(file: CatalogFile, clock: Clock) {
    this.#file = file;
    this.leases = new CatalogLeases(file, clock);
    this.runs = new CatalogRuns(file, clock);
    this.usage = new CatalogUsage(file);
    this.audits = new CatalogAudits(file, clock);
    this.partitions = new CatalogPartitions(file, clock, this);
  }

  /** @throws AsofError `newer_format`, `corrupt_catalog`, `disk_failed`, `disk_full` */
  static open(dataDir: string, clock: Clock): OfflineCatalog {
    return new OfflineCatalog(CatalogFile.open(join(dataDir, CATALOG_FILE)), clock);
  }

  /** Files that something here names: live, retired, or of a run that may go on. */
  namedPaths(): ReadonlySet<string> {
    return new Set([...this.partitions.paths(), ...this.runs.unpublishedPaths()]);
  }

  /** Several questions about one state; nothing is written meanwhile by this catalog. */
  reading<T>(work: () => T): T {
    return this.#file.reading(work);
  }

  close(): void {
    this.#file.close();
  }
}
