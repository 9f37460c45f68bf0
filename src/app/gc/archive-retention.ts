import type { ArchiveFile } from '../../ingest/archive-manifest.ts';
import type { ProjectPlan, SourcePlan } from '../../plan/plan.ts';
import { reachMs } from '../../store/window-reach.ts';

const DAY_MS = 86_400_000;

/** What still reads the archived events of one source. */
export interface SourceNeeds {
  /** Datasets need every event up to this commit; 0 without one. */
  readonly throughCommit: number;
  /** Windows of applied views can reach events of this time and later; -Infinity: all of them. */
  readonly fromMs: number;
}

/** A dataset that lives or is being built, with the sources that it reads. */
export interface HeldHistory {
  readonly sources: ReadonlySet<string>;
  readonly throughCommit: number;
}

/**
 * What of a source's archive must stay: what a dataset was made from, and whatever a window of one
 * of these plans can reach from `fromMs` on. Tables are read whole by their next materialization,
 * and events that can be taken back by what takes them back, so of those everything stays.
 */
export function needsOf(
  source: SourcePlan,
  plans: readonly ProjectPlan[],
  held: readonly HeldHistory[],
  fromMs: number,
): SourceNeeds {
  const throughCommit = held
    .filter(({ sources }) => sources.has(source.name))
    .reduce((newest, one) => Math.max(newest, one.throughCommit), 0);
  const isWhole = source.origin !== null || (source.changes ?? null) !== null;
  const groups = plans.flatMap((plan) => plan.groups).filter((one) => one.source === source.name);
  const longestMs = groups.reduce((most, { windows }) => Math.max(most, reachMs(windows)), 0);
  // Beside the windows: the door must know what repeats, and a late event is as old as is allowed.
  const besideMs = Math.max(source.dedupeHorizonMs, source.allowedLatenessMs) + DAY_MS;
  return {
    throughCommit,
    fromMs: isWhole ? Number.NEGATIVE_INFINITY : fromMs - longestMs - besideMs,
  };
}

/** Whether every event of a file is older than `beforeMs`, and nothing reads any of them. */
export function isUnneeded(file: ArchiveFile, needs: SourceNeeds, beforeMs: number): boolean {
  const newestMs = Math.max(file.maxArrivalTimeMs, file.maxEventTimeMs);
  return newestMs < beforeMs && newestMs < needs.fromMs && file.first.commit > needs.throughCommit;
}
