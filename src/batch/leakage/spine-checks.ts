import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { SPINE, type Spine } from '../spine.ts';
import { TIMESTAMP, timeMs } from '../spine-values.ts';
import { type LeakFinding, percent } from './finding.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const ROUNDED_SHARE = 0.5;
const ROWS_MIN = 20;

/** What the share of round times is, and of which step; null where times are not rounded. */
export interface Rounding {
  readonly step: 'day' | 'hour';
  readonly stepMs: number;
  readonly share: number;
}

/** Times that were cut to their day or hour. By chance one in 3.6 million falls on an hour. */
export async function roundingOf(session: DuckDbSession): Promise<Rounding | null> {
  const share = (stepMs: number): string => `count(*) FILTER (WHERE t % ${stepMs} = 0) / count(*)`;
  const [row] = await session.rows(
    `SELECT count(*), ${share(DAY_MS)}, ${share(HOUR_MS)} FROM ${SPINE} WHERE t >= 0`,
  );
  const [rows = 0, day = 0, hour = 0] = (row ?? []).map(Number);
  if (rows < ROWS_MIN) return null;
  if (day >= ROUNDED_SHARE) return { step: 'day', stepMs: DAY_MS, share: day };
  if (hour >= ROUNDED_SHARE) return { step: 'hour', stepMs: HOUR_MS, share: hour };
  return null;
}

/** Rows of the same keys and time, and such that contradict each other in a label. */
export async function duplicates(
  session: DuckDbSession,
  spine: Spine,
  keyCount: number,
  labels: readonly string[],
): Promise<LeakFinding[]> {
  const keys = ['t', ...Array.from({ length: keyCount }, (_, at) => `j${at}`)];
  const columns = labels.flatMap((name) => {
    const at = spine.columns.findIndex((column) => column.name === name);
    return at < 0 ? [] : [`c${at}`];
  });
  const differing =
    columns.map((column) => `count(DISTINCT ${column}) > 1`).join(' OR ') || 'FALSE';
  const [row] = await session.rows(
    `SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE differs), 0) FROM (
       SELECT count(*) AS n, ${differing} AS differs FROM ${SPINE} WHERE t IS NOT NULL
       GROUP BY ${keys.join(', ')} HAVING count(*) > 1)`,
  );
  const [repeated = 0, contradicting = 0] = (row ?? []).map(Number);
  if (repeated === 0) return [];
  const share = repeated / Math.max(1, spine.rows);
  return [
    {
      check: 'duplicates',
      severity: contradicting > 0 || share >= 0.01 ? 'warning' : 'info',
      subject: spine.timeColumn,
      message:
        contradicting > 0
          ? `${contradicting} rows have the keys and time of another row, and another label.`
          : `${repeated} rows (${percent(share)}) have the keys and time of another row.`,
      evidence: { rows: repeated, share, contradicting },
      remedy:
        'Split training and test so that equal rows stay together, or keep one of each; rows that differ only in their label have lost a key or their exact time.',
    },
  ];
}

/** Columns of the spine that hold times after the rows' own: filled in when more was known. */
export async function laterColumns(
  session: DuckDbSession,
  spine: Spine,
  labels: readonly string[],
): Promise<LeakFinding[]> {
  const findings: LeakFinding[] = [];
  for (const [at, column] of spine.columns.entries()) {
    if (column.name === spine.timeColumn || !TIMESTAMP.test(column.type)) continue;
    const own = timeMs(column, `c${at}`);
    const [row] = await session.rows(
      `SELECT count(c${at}), count(*) FILTER (WHERE own > t), coalesce(median(own - t) FILTER (WHERE own > t), 0)
       FROM (SELECT c${at}, t, ${own} AS own FROM ${SPINE} WHERE t IS NOT NULL)`,
    );
    const [filled = 0, later = 0, medianMs = 0] = (row ?? []).map(Number);
    if (later === 0) continue;
    const share = later / Math.max(1, filled);
    findings.push({
      check: 'later_columns',
      severity: labels.includes(column.name) ? 'info' : 'warning',
      subject: column.name,
      message: `'${column.name}' is later than the row's own time in ${later} rows (${percent(share)}).`,
      evidence: { rows: later, share, medianLaterMs: medianMs },
      remedy: `Do not train on '${column.name}', nor on what was filled in with it: at the row's time it was not known.`,
    });
  }
  return findings;
}

/** Labels that had come about when their row was made. */
export async function labelTimes(
  session: DuckDbSession,
  spine: Spine,
  labelTime: string,
): Promise<LeakFinding[]> {
  const at = spine.columns.findIndex(({ name }) => name === labelTime);
  const column = spine.columns[at];
  if (column === undefined) return [];
  const [row] = await session.rows(
    `SELECT count(*) FILTER (WHERE own IS NOT NULL), count(*) FILTER (WHERE own <= t)
     FROM (SELECT t, ${timeMs(column, `c${at}`)} AS own FROM ${SPINE} WHERE t IS NOT NULL)`,
  );
  const [known = 0, early = 0] = (row ?? []).map(Number);
  if (early === 0) return [];
  const share = early / Math.max(1, known);
  return [
    {
      check: 'label_times',
      severity: 'leak',
      subject: labelTime,
      message: `${early} labels (${percent(share)}) came about at or before the time of their row.`,
      evidence: { rows: early, share },
      remedy: `Their features may count what the label tells. Take the time of the decision for ${sqlName(spine.timeColumn)}, or leave these rows out.`,
    },
  ];
}
