import { materializeProject } from '../app/materialize.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT, type Output } from './output.ts';

export interface MaterializeCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly unit?: string;
  readonly removeMissing?: boolean;
  readonly allowMissing?: readonly string[];
  readonly accept?: string;
  readonly backdate?: boolean;
}

type Outcome = Awaited<ReturnType<typeof materializeProject>>[number];
type Report = Exclude<Outcome['report'], null>;

/** Units and failures that a report names; --json has all of them. */
const SHOWN = 5;

export async function materializeCommand(
  context: Context<MaterializeCommandOptions>,
  tables: readonly string[],
): Promise<number> {
  const { config, output, options } = context;
  if (tables.length === 0 && options.all !== true) {
    throw new AsofError('usage', 'asof materialize: no table is named.', {
      remedy: 'Name tables, or write --all.',
    });
  }
  if (options.accept?.trim() === '') {
    throw new AsofError('usage', 'asof materialize: --accept needs a reason.');
  }
  if (options.backdate === true && options.removeMissing === true) {
    throw new AsofError(
      'usage',
      'asof materialize: --backdate and --remove-missing exclude each other.',
      {
        remedy:
          'Rows that moved would count twice in the past: take back what is gone in a run of its own.',
      },
    );
  }
  const bar = output.progress('materialize', 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  try {
    const outcomes = await materializeProject(config, options.all === true ? 'all' : tables, {
      dryRun: options.dryRun === true,
      unit: options.unit ?? null,
      removeMissing: options.removeMissing === true,
      allowMissing: new Set(options.allowMissing ?? []),
      accept: options.accept ?? null,
      backdate: options.backdate === true,
      signal: abort.signal,
      onProgress: ({ table, phase, units, unitsDone, rowsRead }) =>
        bar.update(
          units === 0 ? 0 : unitsDone / units,
          `${table}: ${phase}, ${count(unitsDone)} of ${count(units)} units, ${count(rowsRead)} rows`,
        ),
    });
    bar.stop();
    const dryRun = options.dryRun === true;
    output.finish({ dryRun, tables: outcomes.map(jsonOf) }, () => {
      for (const outcome of outcomes) sayOutcome(output, outcome, dryRun);
    });
    return outcomes.every(isOk) ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    bar.stop();
    output.finish({ stopped: true }, () =>
      output.say('stopped; what was taken stays, and the next run goes on from it'),
    );
    return EXIT.stopped;
  } finally {
    bar.stop();
    process.off('SIGINT', stop);
  }
}

function isOk({ report }: Outcome): boolean {
  return report?.ok === true;
}

function jsonOf({ table, report, error }: Outcome): object {
  if (report === null) return { table, ok: false, error: error.toJSON() };
  const failures = report.failures.map(({ unit, error: one }) => ({ unit, error: one.toJSON() }));
  return { ...report, failures };
}

function sayOutcome(output: Output, { table, report, error }: Outcome, dryRun: boolean): void {
  if (report === null) {
    output.say(`${pc.red('✗')} ${pc.bold(table)} ${error.code}: ${error.message}`);
    for (const one of error.issues.length > 1 ? error.issues : []) {
      output.say(`    ${pc.yellow('•')} ${one.message}`);
    }
    output.say(`    ${pc.green('→')} ${error.issues[0]?.remedy ?? error.remedy}`);
    return;
  }
  const { units, rows } = report;
  const mark = report.ok ? pc.green('✓') : pc.red('✗');
  const verb = dryRun ? 'would be' : 'were';
  output.say(
    `${mark} ${pc.bold(table)}: of ${count(units.found)} units ${count(units.read)} ${verb} read, ` +
      `${count(units.skipped)} have not changed`,
  );
  output.say(
    `    ${count(rows.read)} rows: ${count(rows.inserted)} inserted, ${count(rows.unchanged)} unchanged` +
      `${others(report)}; ${count(rows.retracted)} taken back`,
  );
  sayRest(output, report);
}

function others({ rows }: Report): string {
  const named = [
    [rows.rejected, 'rejected (asof deadletters)'],
    [rows.duplicates, 'duplicates'],
    [rows.pending, 'from the future, which wait'],
  ] as const;
  return named.map(([number, what]) => (number > 0 ? `, ${count(number)} ${what}` : '')).join('');
}

function sayRest(output: Output, { vanished, removed, notes, failures }: Report): void {
  if (vanished.length > 0) {
    const fate = removed ? 'taken back' : 'still counted; --remove-missing takes them back';
    output.say(pc.yellow(`    gone upstream, ${fate}: ${shown(vanished)}`));
  }
  for (const note of notes.slice(0, SHOWN)) output.say(pc.yellow(`    ${note}`));
  for (const { unit, error } of failures.slice(0, SHOWN)) {
    output.say(`    ${pc.red('✗')} ${unit} ${error.code}: ${error.message}`);
    output.say(`      ${pc.green('→')} ${error.issues[0]?.remedy ?? error.remedy}`);
  }
  const more = failures.length - SHOWN;
  if (more > 0) output.say(`    ${count(more)} more units failed; --json has all of them`);
}

function shown(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (more > 0 ? `, and ${count(more)} more` : '');
}
