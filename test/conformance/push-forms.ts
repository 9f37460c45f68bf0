import type { Random } from '../../src/base/random.ts';
import type { DoorLimits } from '../../src/ingest/door-limits.ts';
import type { Ingestor } from '../../src/ingest/ingestor.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { PushBody } from '../../src/ingest/push-body.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { Push } from './generate-events.ts';

/** The rows in one of the forms in which they can be sent. */
export function bodyOf(random: Random, { rows, lines }: Push): PushBody {
  const text = lines.join('\n');
  const form = random.below(rows === null ? 2 : 4);
  if (form === 0) return text;
  if (form === 1) return new TextEncoder().encode(`${text}\n`);
  return form === 2 || rows === null ? `[${lines.join(',\n')}]` : rows;
}

/** The push as two at the same time, judged one after the other; the answer as of one. */
export async function pushTwice(ingestor: Ingestor, { source, lines }: Push): Promise<PushResult> {
  const half = Math.ceil(lines.length / 2);
  const [a, b] = await Promise.all([
    ingestor.push(source.name, lines.slice(0, half).join('\n')),
    ingestor.push(source.name, lines.slice(half).join('\n')),
  ]);
  return {
    received: a.received + b.received,
    accepted: a.accepted + b.accepted,
    rejected: a.rejected + b.rejected,
    commit: Math.max(a.commit, b.commit),
    rows: [...a.rows, ...b.rows.map((verdict) => ({ ...verdict, row: verdict.row + half }))],
  };
}

/** How many rows a commit holds, and how much of the past is held though it is never needed again. */
export function randomDoorLimits(
  random: Random,
  sources: readonly SourcePlan[],
): Partial<DoorLimits> {
  const eventsPerCommit = random.pick([65_536, 65_536, 8, 3]);
  // Where arrivals come in order, an id that is let go of can never be repeated in time.
  const isOrdered = sources.every(({ arrivalTime }) => arrivalTime === null);
  if (!isOrdered || random.below(2) === 0) return { eventsPerCommit };
  const live = { rows: 1e6, bytes: 1e9, rowsKept: random.below(8), bytesKept: 0 };
  return { eventsPerCommit, idsKept: random.below(8), live };
}
