import { type Verification, verifyProject } from '../app/offline.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT, wholeNumber } from './output.ts';

export interface VerifyOptions extends CommonOptions {
  readonly sample: string;
}

type Mismatch = Verification['mismatches'][number];

/** Mismatches shown to people; `--json` has them all. */
const SHOWN = 20;

export async function verifyCommand(context: Context<VerifyOptions>): Promise<number> {
  const { config, output, options } = context;
  const bar = output.progress('replay', 1);
  const sample = wholeNumber('sample', options.sample);
  const report = await verifyProject(config, sample, (done, total) => {
    bar.update(total > 0 ? done / total : 1, `${count(done)} answers`);
  }).finally(() => bar.stop());
  const result = {
    verified: report.answers,
    values: report.values,
    unknown: report.unknown,
    mismatches: report.mismatched,
    differences: report.mismatches.map(shownMismatch),
    damaged: report.damaged,
    throughCommit: report.throughCommit,
  };
  output.finish(result, () => {
    if (report.damaged > 0) {
      output.say(pc.yellow(`${count(report.damaged)} damaged lines of the serve log passed over`));
    }
    if (report.answers === 0) {
      output.say('No served answers are kept yet: ask for features first, see serveLogRate.');
      return;
    }
    output.say(
      `${count(report.answers)} answers replayed, ${count(report.values)} values compared`,
    );
    if (report.unknown > 0) {
      output.say(`${count(report.unknown)} values were not there when they were asked for`);
    }
    if (report.mismatched === 0) {
      output.say(`${pc.green('✓')} every value is identical, bit for bit`);
      return;
    }
    output.say(pc.red(`${count(report.mismatched)} values or statuses differ`));
    for (const one of report.mismatches.slice(0, SHOWN)) {
      const key = JSON.stringify(one.key);
      output.say(`  ${one.service} ${key} ${one.feature} at ${new Date(one.asOfMs).toISOString()}`);
      const { text, servedStatus, replayedStatus } = one;
      const statuses = [servedStatus ?? 'no status', replayedStatus ?? 'nothing'];
      output.say(`    served ${text.served} (${statuses[0]})`);
      output.say(`    replayed ${text.replayed ?? ''} (${statuses[1]})`);
      output.say(`    ${one.explanation.text}`);
    }
  });
  return report.mismatched === 0 ? EXIT.ok : EXIT.failed;
}

/** Values in the digits that a server would have sent. */
function shownMismatch({ text, explanation, ...mismatch }: Mismatch): object {
  const { served, replayed } = text;
  const events = explanation.events.map(({ text: value, ...event }) => ({
    ...event,
    value: JSON.rawJSON(value),
  }));
  return {
    ...mismatch,
    served: JSON.rawJSON(served),
    replayed: replayed === null ? null : JSON.rawJSON(replayed),
    explanation: { ...explanation, events },
  };
}
