import { createHash } from 'node:crypto';
import { matchesGlob } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type FileUnit, listFileUnits } from './file-units.ts';
import { readUnit, type UnitReader } from './read-unit.ts';
import { RemoteFiles } from './remote-files.ts';
import {
  foreseeFailed,
  foreseeVanished,
  newLast,
  removeVanished,
  stagedUnits,
  type TableWork,
} from './table-work.ts';
import { type BatchUnit, materializeUnits } from './unit-batch.ts';
import type { UnitState } from './unit-states.ts';
import type { FilesFrom } from './upstream-file.ts';

/** Brings the rows of files: those of units whose files are as they were are not opened. */
export async function materializeFiles(work: TableWork, from: FilesFrom): Promise<void> {
  const { world, batch, table, options, tally } = work;
  const { session } = batch;
  const { extensions, remoteSettings: settings } = world;
  const remote = new RemoteFiles({ session, extensions, settings });
  const unitBy = table.unitBy !== null && from.hive.includes(table.unitBy) ? table.unitBy : null;
  const units = await listFileUnits({ root: world.root, from, unitBy, remote });
  const reader: UnitReader = {
    ...{ world, session, table, from, tally },
    rules: work.rules,
    stage: batch.stage,
    signal: options.signal,
  };
  if (units.length === 0) requireSome(work, from);
  const isByRows = table.unitBy !== null && unitBy === null;
  if (isByRows) await allAtOnce(work, reader, units);
  else await unitByUnit(work, reader, units);
}

/** No file at all: a mistake, unless there never were rows, or the table may be empty. */
function requireSome({ batch, table }: TableWork, from: FilesFrom): void {
  if (table.origin.mayBeEmpty) return;
  const had = batch.states.all().reduce((sum, { rows }) => sum + rows, 0);
  const paths = from.paths.join(', ');
  if (had > 0) {
    const message = `No file matches ${paths}, and the table had ${had} rows.`;
    throw new AsofError('upstream_empty', message, { path: paths });
  }
  throw new AsofError('file_not_found', `No file matches ${paths}.`, { path: paths });
}

async function unitByUnit(
  work: TableWork,
  reader: UnitReader,
  units: readonly FileUnit[],
): Promise<void> {
  const { batch, options, tally } = work;
  const wanted = units.filter(
    ({ name }) => options.unit === null || matchesGlob(name, options.unit),
  );
  const due = wanted.filter((unit) => isDue(work, batch.states.get(unit.name), unit.print));
  tally.count('found', wanted.length);
  tally.count('skipped', wanted.length - due.length);
  let ready: BatchUnit[] = [];
  const flush = async (): Promise<void> => {
    if (ready.length === 0) return;
    work.progress('comparing');
    await materializeUnits(batch, ready);
    ready = [];
    await batch.stage.clear();
  };
  await batch.stage.clear();
  work.begin(due.length);
  const there = new Set(units.map(({ name }) => name));
  const { known, fresh } = newLast(work, due, ({ name }) => name);
  foreseeVanished(work, there);
  for (const unit of [...known, ...fresh]) {
    options.signal?.throwIfAborted();
    if (unit === fresh[0]) {
      await flush();
      foreseeFailed(work);
    }
    try {
      const { name, print } = await readUnit(reader, unit);
      ready.push({ unit: name, print });
      tally.count('read');
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      tally.fail(unit.name, error);
    }
    work.unitDone(batch.stage.rows);
    const isFull = batch.stage.rows >= LIMITS.tableBatchRows;
    if (isFull || ready.length >= LIMITS.tableBatchUnits) await flush();
  }
  await flush();
  await removeVanished(work, there);
}

/** What was noted of a unit may not say that it is what it was. */
function isDue(work: TableWork, state: UnitState | undefined, print: string): boolean {
  if (state === undefined || state.writing || state.print !== print) return true;
  if (state.definition !== work.batch.definition) return true;
  return state.pendingMs !== null && state.pendingMs <= work.batch.now.dueMs;
}

/** Units are told by a column, so that any file may have rows of any: all of them are read. */
async function allAtOnce(
  work: TableWork,
  reader: UnitReader,
  files: readonly FileUnit[],
): Promise<void> {
  const { batch, options } = work;
  const scope = createHash('sha256')
    .update(files.map(({ name, print }) => `${name}\n${print}\n`).join(''))
    .digest('hex');
  if (!work.isScopeDue(scope)) return;
  await batch.stage.clear();
  work.begin(files.length);
  const prints: string[] = [];
  for (const file of files) {
    options.signal?.throwIfAborted();
    prints.push((await readUnit(reader, file)).print);
    work.unitDone(batch.stage.rows);
  }
  const wasStill = prints.every((print, i) => print === files[i]?.print);
  await stagedUnits(work, wasStill ? scope : null);
}
