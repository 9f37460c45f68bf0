import { present } from '../../base/assert.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ServicePlan, ViewPlan } from '../../plan/plan.ts';
import { type LeakFinding, percent } from './finding.ts';
import { SAMPLE_TIME, type SpineSample } from './spine-sample.ts';

const HOUR_MS = 3_600_000;
/** Zones differ from UTC by up to 14 hours, by quarters of an hour. */
const HOURS_MAX = 14;
const STEP_MS = HOUR_MS / 4;

/** A source as it was attached to the session. */
export interface AttachedSource {
  readonly name: string;
  readonly relation: string;
}

const EVENTS_MIN = 200;
const EVENTS_SAMPLED = 100_000;

/** Events that all arrive whole hours after they happened: local times that were read as UTC. */
export async function wholeHours(
  session: DuckDbSession,
  { name, relation }: AttachedSource,
): Promise<LeakFinding[]> {
  const [row] = await session.rows(
    `SELECT count(*), coalesce(quantile_disc(d, 0.05), 0), coalesce(quantile_disc(d, 0.5), 0),
       coalesce(min(d), 0), coalesce(max(d), 0)
     FROM (SELECT __arrival_time - __event_time AS d FROM ${await sampledEvents(session, relation)})`,
  );
  const [events = 0, low = 0, median = 0, min = 0, max = 0] = (row ?? []).map(Number);
  // A delay that is always the same was declared, not measured.
  if (events < EVENTS_MIN || min === max) return [];
  const hours = Math.round((2 * low) / HOUR_MS) / 2;
  const isWhole = hours >= 1 && hours <= HOURS_MAX && Math.abs(low - hours * HOUR_MS) <= 600_000;
  if (!isWhole || median - low > HOUR_MS / 2) return [];
  return [
    {
      check: 'whole_hours',
      severity: 'warning',
      subject: name,
      message: `Events of '${name}' arrive ${hours} hours after their event time, give or take minutes.`,
      evidence: { hours, delay05Ms: low, delay50Ms: median, events },
      remedy: `Check whether '${name}' writes local times without their zone. If so, they lie ${hours} hours too early: windows count what was long over.`,
    },
  ];
}

async function sampledEvents(session: DuckDbSession, relation: string): Promise<string> {
  const [row] = await session.rows(`SELECT count(*) FROM ${relation}`);
  const every = Math.max(1, Math.ceil(Number(row?.[0] ?? 0) / EVENTS_SAMPLED));
  return every === 1 ? relation : `(SELECT * FROM ${relation} WHERE __offset % ${every} = 0)`;
}

/** The rhythm of two sources over the day, equal but for a shift. */
export async function shiftedDays(
  session: DuckDbSession,
  sources: readonly AttachedSource[],
): Promise<LeakFinding[]> {
  const days: { readonly name: string; readonly shares: readonly number[] }[] = [];
  for (const { name, relation } of sources) {
    const rows = await session.rows(
      `SELECT __event_time // ${HOUR_MS} % 24, count(*) FROM ${relation} GROUP BY 1`,
    );
    const counts = Array.from({ length: 24 }, () => 0);
    for (const [hour, count] of rows) counts[Number(hour)] = Number(count);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total < 10 * EVENTS_MIN) continue;
    const shares = counts.map((count) => (24 * count) / total);
    // A day without a rhythm looks like any other, however it is shifted.
    if (Math.max(...shares) - Math.min(...shares) < 0.5) continue;
    days.push({ name, shares });
  }
  return days.flatMap((a, at) => days.slice(at + 1).flatMap((b) => shiftOf(a, b)));
}

type Day = { readonly name: string; readonly shares: readonly number[] };

function shiftOf(a: Day, b: Day): LeakFinding[] {
  const alike = Array.from({ length: 24 }, (_, lag) =>
    correlation(
      a.shares,
      a.shares.map((_, hour) => b.shares[(hour + lag) % 24] ?? 0),
    ),
  );
  const best = alike.indexOf(Math.max(...alike));
  const [unshifted = 0, shifted = 0] = [alike[0], alike[best]];
  if (best === 0 || shifted < 0.9 || shifted - unshifted < 0.4) return [];
  const hours = best > 12 ? best - 24 : best;
  const subject = `${a.name}, ${b.name}`;
  return [
    {
      check: 'time_zones',
      severity: 'warning',
      subject,
      message: `The days of '${a.name}' and '${b.name}' look alike, but shifted by ${hours} hours.`,
      evidence: { hours, alikeShifted: shifted, alikeUnshifted: unshifted },
      remedy: 'Check the time zones of both: one of them may write local times without their zone.',
    },
  ];
}

function correlation(a: readonly number[], b: readonly number[]): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [da, db] = [value - 1, (b[at] ?? 0) - 1];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

const MATCH_ROWS = 500;

/**
 * Rows whose keys have events at their very time, but for a whole number of quarters of an hour:
 * the spine was made of such events, and its times are in another zone.
 */
export async function shiftedSpine(
  session: DuckDbSession,
  sample: SpineSample,
  service: ServicePlan,
  view: ViewPlan,
  source: AttachedSource,
): Promise<LeakFinding[]> {
  const keys = Object.entries(view.key).map(([joinKey, column]) => {
    const at = service.joinKeys.findIndex(({ name }) => name === joinKey);
    return `e.${sqlName(column)} = s.${present(sample.keys[at], 'a join key of the sample')}`;
  });
  const rows = await session.rows(
    `SELECT step, count(DISTINCT n) FROM (
       SELECT n, round((e.__event_time - s.t) / ${STEP_MS}) AS step, e.__event_time - s.t AS d
       FROM (SELECT *, ${SAMPLE_TIME} AS t, row_number() OVER () AS n FROM ${sample.table}
         LIMIT ${MATCH_ROWS}) s
       JOIN ${source.relation} e ON ${keys.join(' AND ')}
       WHERE abs(e.__event_time - s.t) <= ${HOURS_MAX * HOUR_MS + 1_000})
     WHERE abs(d - step * ${STEP_MS}) < 1000 GROUP BY step ORDER BY 2 DESC, abs(step) LIMIT 3`,
  );
  const asked = Math.min(MATCH_ROWS, sample.rows);
  const found = rows.map(([step, count]) => ({ step: Number(step), share: Number(count) / asked }));
  const [best, second] = found;
  if (asked < 20 || best === undefined || best.step === 0 || best.share < 0.5) return [];
  if ((second?.share ?? 0) > best.share / 2) return [];
  const hours = (best.step * STEP_MS) / HOUR_MS;
  const late = hours < 0;
  return [
    {
      check: 'time_zones',
      severity: late ? 'leak' : 'warning',
      subject: source.name,
      message:
        `${percent(best.share)} of the rows have an event of '${source.name}' exactly ${Math.abs(hours)} hours ` +
        `${late ? 'before' : 'after'} their time, and almost none at it.`,
      evidence: { hours, share: best.share, rows: asked },
      remedy: late
        ? `The spine's times seem to be ${Math.abs(hours)} hours too late: features see that much of the future. Convert them to UTC.`
        : `The spine's times seem to be ${hours} hours too early. Convert them to UTC.`,
    },
  ];
}
