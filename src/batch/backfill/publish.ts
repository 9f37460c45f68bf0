import { AsofError } from '../../base/errors.ts';
import type { NewAudit } from '../../store/offline-catalog-audits.ts';
import type { Lease } from '../../store/offline-catalog-leases.ts';
import type { OfflineFiles } from '../../store/offline-files.ts';
import type { NewPart, PartitionPart, PartitionState } from '../../store/offline-partition.ts';
import { auditDay } from './audit.ts';
import type { ChunkFile } from './chunks.ts';
import { requireSameRows } from './day-rows.ts';
import { daysOfParts, dayText } from './event-days.ts';
import { stateOfDay } from './grace.ts';
import { fingerprintOf, graceNowMs } from './group-plan.ts';
import type { OpenRun } from './open-run.ts';
import type { Workbench } from './workbench.ts';
import { type BackfillTarget, type BackfillWorld, subjectOfGroup } from './world.ts';

/**
 * Makes what a run has written the content of its days, in one step: files, states, what changed in
 * final days, and the end of the run.
 * @throws AsofError `rows_lost`, `run_conflict`; nothing is published then
 */
export async function publishRun(
  world: BackfillWorld,
  target: BackfillTarget,
  open: OpenRun,
  use: { readonly workbench: Workbench; readonly files: OfflineFiles; readonly lease: Lease },
): Promise<readonly NewAudit[]> {
  const { catalog, onStep } = world;
  const subject = subjectOfGroup(target.group);
  const { run, baseCommit, throughCommit } = open;
  const live = catalog.partitions.live(subject);
  const before = Map.groupBy(live, ({ partition }) => partition);
  const written = new Map(Map.groupBy([...open.files.values()].flat(), ({ day }) => day));
  requireDays(open, written);
  requireNoLess(run.options.force === true, open, before, written);
  // Where all is built, a day that has no rows any more has no tiles either.
  for (const day of baseCommit === 0 ? daysOfParts(live) : []) {
    if (!written.has(day)) written.set(day, []);
  }
  const nowMs = await graceNowMs(world, use.workbench, target, throughCommit);
  const audits: NewAudit[] = [];
  const partitions = new Map<string, readonly NewPart[]>();
  for (const [day, files] of [...written].sort(([a], [b]) => a - b)) {
    const was = before.get(dayText(day)) ?? [];
    partitions.set(dayText(day), partsOf(world, target, open, files, nowMs));
    if (!open.audited.has(day)) continue;
    const session = use.workbench.session();
    const events = await use.workbench.events(0, target.source, throughCommit);
    const change = { run, day, baseCommit, throughCommit, events, before: was, after: files };
    const audit = await auditDay(world, target, { session, files: use.files }, change);
    if (audit !== null) audits.push(audit);
    onStep?.({ kind: 'audited', day });
  }
  catalog.partitions.publish({
    subject,
    expectedGeneration: open.generation,
    throughCommit,
    partitions,
    details: {
      fingerprint: fingerprintOf(world, target),
      source: target.source.name,
      run: run.id,
      graceNowMs: nowMs,
    },
    lease: use.lease,
    run: { number: run.number, totals: { ...open.totals } },
    audits,
  });
  onStep?.({ kind: 'published', run: run.number });
  return audits;
}

/** Every day has all its slices, and as many rows went in as were counted. */
function requireDays(open: OpenRun, written: ReadonlyMap<number, readonly ChunkFile[]>): void {
  const expected = new Map(open.chunks.flatMap(({ days }) => days).map((one) => [one.day, one]));
  for (const { day, rows } of expected.values()) {
    const files = written.get(day) ?? [];
    const found = files.reduce((sum, file) => sum + file.events, 0);
    requireSameRows(`${open.run.subject}/${dayText(day)}`, rows, found);
  }
}

/** History only grows: a day that had rows has at least as many now. */
function requireNoLess(
  force: boolean,
  open: OpenRun,
  before: ReadonlyMap<string, readonly PartitionPart[]>,
  written: ReadonlyMap<number, readonly ChunkFile[]>,
): void {
  if (force) return;
  for (const [partition, parts] of before) {
    const files = written.get(Number(parts[0]?.details.day));
    if (files === undefined && open.baseCommit > 0) continue;
    const was = parts.reduce((sum, part) => sum + Number(part.details.events), 0);
    const found = (files ?? []).reduce((sum, file) => sum + file.events, 0);
    if (found >= was) continue;
    throw new AsofError(
      'rows_lost',
      `${open.run.subject}/${partition}: there were ${was} events, and now ${found} are read.`,
      { path: partition, remedy: 'Restore what is missing; --force builds from what is left.' },
    );
  }
}

function partsOf(
  world: BackfillWorld,
  target: BackfillTarget,
  { run, throughCommit, audited }: OpenRun,
  files: readonly ChunkFile[],
  nowMs: number,
): NewPart[] {
  const graceMs = world.graceMs(target.source);
  // What was final stays so, also where grace has grown since, as late events make it do.
  const stateOf = (day: number): PartitionState =>
    audited.has(day) ? 'final' : stateOfDay(day, graceMs, nowMs);
  return [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ day, path, rows, events, bytes, checksum }) => ({
      ...{ path, rows, bytes, checksum },
      fromCommit: 0,
      throughCommit,
      fingerprint: fingerprintOf(world, target),
      details: { day, events, owner: run.options.owner },
      state: stateOf(day),
    }));
}
