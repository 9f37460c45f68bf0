import { AsofError } from '../../base/errors.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import type { ArchiveCatalog } from '../../ingest/archive-catalog.ts';
import { ArchiveFiles } from '../../ingest/archive-files.ts';
import type { ArchiveFile } from '../../ingest/archive-manifest.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { type Applied, appliedSince } from '../../registry/applied.ts';
import type { Registry } from '../../registry/registry.ts';
import { dayFiles } from '../../store/serve-log.ts';
import type { HeldHistory } from './archive-retention.ts';
import { isUnneeded, needsOf } from './archive-retention.ts';
import { heldHistories } from './held-history.ts';
import type { Removal, Sweep, SweepOptions } from './removal.ts';

interface Unneeded {
  readonly source: string;
  readonly files: readonly ArchiveFile[];
}

/**
 * Lets go of archived events beyond `retention.archive` that no dataset, no window of what is
 * applied, and no answer in the serve log can need. That they are gone is noted in the same step,
 * so that whatever would need them is refused; the files stay a while for readers.
 */
export async function sweepRetention(
  registry: Registry,
  options: SweepOptions,
  keptMs: number | null,
): Promise<Sweep> {
  if (keptMs === null) return { removals: [], leftOut: null };
  const files = new ArchiveFiles(options.dataDir);
  if (options.dryRun) {
    const known = await knownTo(registry);
    return swept(files.withCatalog((catalog) => unneeded(known, catalog, options, keptMs)) ?? []);
  }
  try {
    const lock = files.lock();
    try {
      // A dataset that is begun meanwhile would not be seen: it is begun afterwards, and refused.
      return await registry.transaction(async (alone) => {
        const known = await knownTo(alone);
        return take(files, (catalog) => unneeded(known, catalog, options, keptMs), options.nowMs);
      });
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof AsofError) || error.code !== 'run_conflict') throw error;
    return { removals: [], leftOut: 'retention: the archive is being written just now' };
  }
}

function take(
  files: ArchiveFiles,
  find: (catalog: ArchiveCatalog) => Unneeded[],
  nowMs: number,
): Sweep {
  const catalog = files.openCatalog();
  try {
    const found = find(catalog);
    const paths = found.flatMap((one) => one.files.map(({ path }) => path));
    if (paths.length === 0) return swept([]);
    const removed = Object.fromEntries(found.map((one) => [one.source, one.files]));
    catalog.change({ removed, retired: { paths, atMs: nowMs } });
    return swept(found);
  } finally {
    catalog.close();
  }
}

function swept(found: readonly Unneeded[]): Sweep {
  const removals = found.flatMap(({ files }) =>
    files.map(({ path, bytes }): Removal => {
      const why = 'older than retention.archive, and nothing that is kept can need it';
      return { what: 'archive', path, why, bytes };
    }),
  );
  return { removals, leftOut: null };
}

/** What of the registry it depends on whether an event is needed. */
interface Known {
  readonly held: readonly HeldHistory[];
  readonly applied: readonly Applied[];
}

async function knownTo(registry: Registry): Promise<Known> {
  return { held: await heldHistories(registry), applied: await registry.history() };
}

function unneeded(
  { held, applied }: Known,
  catalog: ArchiveCatalog,
  { dataDir, nowMs }: SweepOptions,
  keptMs: number,
): Unneeded[] {
  const { sources } = catalog.read();
  const allPlans = applied.map(({ plan }) => plan);
  return Object.entries(sources).flatMap(([name, files]) => {
    const newestMs = Math.max(...files.map((file) => file.maxArrivalTimeMs));
    // Answers of a replayed clock are as old as its events.
    const answeredMs = Math.min(nowMs, newestMs, oldestAnswerMs(dataDir) ?? nowMs);
    const plans = appliedSince(applied, answeredMs).map(({ plan }) => plan);
    const source = newestSource(plans, name) ?? newestSource(allPlans, name);
    if (source === null) return [];
    const needs = needsOf(source, plans, held, answeredMs);
    const beforeMs = nowMs - keptMs;
    const found = files.filter((file) => isUnneeded(file, needs, beforeMs));
    return found.length === 0 ? [] : [{ source: name, files: found }];
  });
}

function newestSource(plans: readonly ProjectPlan[], name: string) {
  const plan = plans.findLast((one) => one.sources.some((source) => source.name === name));
  return plan?.sources.find((source) => source.name === name) ?? null;
}

/** When the oldest answer that `verify` may replay was given, or null without one. */
function oldestAnswerMs(dataDir: string): number | null {
  const [oldest] = dayFiles(new NodeDisk(`${dataDir}/served`));
  const day = oldest === undefined ? null : (/(\d{4}-\d\d-\d\d)/.exec(oldest)?.[1] ?? null);
  return day === null ? null : Date.parse(`${day}T00:00:00Z`);
}
