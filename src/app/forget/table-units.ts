import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { tableSubject, writingPart } from '../../batch/tables/unit-states.ts';
import { CATALOG_FILE, OfflineCatalog } from '../../store/offline-catalog.ts';

/**
 * What is noted of the units of tables says how many rows are live, which is true no more: the next
 * run compares them with what is. A run that goes on now publishes nothing.
 */
export function doubtUnits(dataDir: string, sources: ReadonlySet<string>): void {
  if (!existsSync(join(dataDir, CATALOG_FILE))) return;
  const catalog = OfflineCatalog.open(dataDir, systemClock);
  try {
    const { partitions } = catalog;
    for (const source of sources) {
      const subject = tableSubject(source);
      const known = partitions.subject(subject);
      if (known === null) continue;
      const { generation: expectedGeneration, throughCommit } = known;
      const doubted = new Map(
        partitions.live(subject).map((part) => [part.partition, [writingPart(part)]] as const),
      );
      partitions.publish({ subject, expectedGeneration, throughCommit, partitions: doubted });
    }
  } finally {
    catalog.close();
  }
}
