import type { Random } from '../../src/base/random.ts';
import { replayServed } from '../../src/batch/replay.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { History } from '../../src/ingest/history.ts';
import type { FeatureValue } from '../../src/schema/types.ts';
import type { ServedAnswer } from '../../src/store/serve-log.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { coverServed } from './cover-retractions.ts';
import { shown, shownKey, type Tally } from './tally.ts';

/** Every answer that was served is computed again from the history: the same bits. */
export async function runReplay(
  tally: Tally,
  random: Random,
  oracle: PlatformOracle,
  history: History,
  session: DuckDbSession,
  answers: readonly ServedAnswer[],
): Promise<void> {
  if (answers.length === 0) return;
  const { plan } = oracle;
  coverServed(tally, oracle, answers);
  const isTampering = random.below(4) === 0;
  const at = random.below(answers.length);
  const given = isTampering
    ? answers.map((answer, i) => (i === at ? tampered(random, answer) : answer))
    : answers;
  const report = await replayServed({ plan, history, answers: given, session });
  const values = answers.reduce((sum, answer) => sum + Object.keys(answer.values).length, 0);
  tally.compare('replay', report.answers, answers.length, () => 'answers replayed');
  for (let i = 1; i < report.values; i += 1) tally.compare('replay', 0, 0, () => '');
  tally.compare('replay', report.values, values, () => 'values replayed');
  tally.compare('replay', report.mismatched, isTampering ? 1 : 0, () => {
    const told = report.mismatches.map(
      ({ feature, key, asOfMs, commit, served, replayed, explanation }) =>
        `${feature} for ${shownKey(key)} at ${asOfMs}, commit ${commit}: served ${shown(served)}, ` +
        `replayed ${shown(replayed)} (${explanation.kind}: ${explanation.text})`,
    );
    return `mismatches of the replay${isTampering ? ', one of them made' : ''} [${told.join('; ')}]`;
  });
  if (isTampering) tally.cover('a tampered answer');
}

function tampered(random: Random, answer: ServedAnswer): ServedAnswer {
  const name = random.pick(Object.keys(answer.values));
  const values = { ...answer.values, [name]: other(answer.values[name] ?? null) };
  return { ...answer, values };
}

/** Another value, by as little as the type allows. */
function other(value: FeatureValue): FeatureValue {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 1 : value / 2;
  if (typeof value === 'bigint') return value - 1n;
  if (typeof value === 'string') return `${value} `;
  if (typeof value === 'object' && value !== null) return value.slice(1) as FeatureValue;
  return value === null ? 0 : !value;
}
