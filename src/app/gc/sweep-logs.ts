import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NodeDisk } from '../../base/node-disk.ts';
import { DeadLetters } from '../../ingest/dead-letters.ts';
import { dayFiles } from '../../store/serve-log.ts';
import type { Config } from '../config.ts';
import { DataDirectory } from '../data-directory.ts';
import { bytesOf, type Removal, removeFile, type Sweep, type SweepOptions } from './removal.ts';

const DAY_MS = 86_400_000;

/** The first UTC day that is kept for so long. */
export function firstDayKept(nowMs: number, keptMs: number): string {
  return new Date(Math.floor((nowMs - keptMs) / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
}

/** Days of sampled answers beyond their retention; the file of today is never one. */
export function sweepServeLog(
  { dataDir, nowMs, dryRun }: SweepOptions,
  keptMs: number | null,
): Sweep {
  if (keptMs === null) return { removals: [], leftOut: null };
  const day = firstDayKept(nowMs, keptMs);
  const old = dayFiles(new NodeDisk(join(dataDir, 'served')))
    .map((path) => join('served', path))
    .filter((path) => (/(\d{4}-\d\d-\d\d)\.ndjson$/.exec(path)?.[1] ?? day) < day);
  const removals = old.map((path): Removal => {
    const why = `older than retention.serveLog: before ${day}`;
    return { what: 'serve_log', path, why, bytes: bytesOf(dataDir, path) };
  });
  if (!dryRun) for (const path of old) removeFile(dataDir, path);
  return { removals, leftOut: null };
}

/** Sources that ever had a dead letter. */
export function letterSources(dataDir: string): string[] {
  const folder = join(dataDir, 'dead');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** Days of dead letters beyond their retention. A running server knows its letters: it does this. */
export function sweepLetters(config: Config, options: SweepOptions): Sweep {
  const keptMs = config.retention.deadLettersMs;
  if (keptMs === null) return { removals: [], leftOut: null };
  const { dataDir, nowMs, dryRun } = options;
  const day = firstDayKept(nowMs, keptMs);
  const why = `older than retention.deadLetters: before ${day}`;
  const removals = letterSources(dataDir).flatMap((source) =>
    readdirSync(join(dataDir, 'dead', source))
      .filter((name) => /^\d{4}-\d\d-\d\d(\.\d+)?\.ndjson$/.test(name) && name.slice(0, 10) < day)
      .map((name): Removal => {
        const path = `dead/${source}/${name}`;
        return { what: 'dead_letters', path, why, bytes: bytesOf(dataDir, path) };
      }),
  );
  if (dryRun || removals.length === 0) return { removals, leftOut: null };
  return removeLetters(dataDir, day, removals);
}

function removeLetters(dataDir: string, day: string, removals: readonly Removal[]): Sweep {
  let directory: DataDirectory;
  try {
    directory = DataDirectory.open(dataDir);
  } catch {
    const leftOut = `${removals.length} file(s) of dead letters: the running server removes them`;
    return { removals: [], leftOut };
  }
  const letters = new DeadLetters(new NodeDisk(dataDir));
  try {
    const gone = new Set(
      letterSources(dataDir).flatMap((source) => letters.removeBefore(source, day, true)),
    );
    return { removals: removals.filter(({ path }) => gone.has(path)), leftOut: null };
  } finally {
    letters.close();
    directory.close();
  }
}
