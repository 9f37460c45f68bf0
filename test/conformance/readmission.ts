import type { Random } from '../../src/base/random.ts';
import type { LetterFilter } from '../../src/ingest/letter-filter.ts';
import type { ReadmitResult } from '../../src/ingest/letter-readmission.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { AcceptanceCheck } from './acceptance-path.ts';
import type { Platform } from './platform.ts';
import type { Tally } from './tally.ts';

/** Which letters are tried again: all of them, those of one code, or the oldest few. */
export function randomLetterFilter(random: Random): LetterFilter {
  const code = random.pick(['from_the_future', 'duplicate', 'not_live', 'too_late']);
  return random.pick([{}, {}, { code }, { except: 'duplicate' }, { limit: 1 + random.below(3) }]);
}

/** Letters that are judged again: each as the acceptance oracle judges its text at that time. */
export async function checkReadmission(
  tally: Tally,
  acceptance: AcceptanceCheck,
  platform: Platform,
  source: SourcePlan,
  nowMs: number,
  filter: LetterFilter,
  readmit: () => Promise<Pick<ReadmitResult, 'tried' | 'accepted' | 'refused'>>,
): Promise<void> {
  const { letters } = platform.ingestor;
  const open = [...letters.list(source.name, { ...filter, open: true })];
  const before = platform.batches.length;
  const { tried, accepted, refused } = await readmit();
  tally.compare('acceptance', tried, open.length, () => 'letters tried');
  const rows = refused.map(({ id, code }) => ({ row: rowOf(open, id), code }));
  const lines = open.map(({ raw }) => (typeof raw === 'string' ? raw : String(raw)));
  const made = platform.batches.slice(before);
  acceptance.check(source, lines, nowMs, { received: tried, accepted, rows }, made);
  const wrong = new Set(refused.map(({ id }) => id));
  const taken = open.filter(({ id }) => !wrong.has(id));
  if (taken.length > 0) tally.cover('a letter taken later');
  const left = new Set([...letters.list(source.name, { open: true })].map(({ id }) => id));
  for (const { id } of taken) tally.compare('acceptance', left.has(id), false, () => `open ${id}`);
}

function rowOf(open: readonly { readonly id: string }[], id: string): number {
  return open.findIndex((letter) => letter.id === id);
}
