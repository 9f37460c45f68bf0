import { type RecordedValidation, validateProject } from '../app/validate.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import { figures, numberText } from './column-table.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT, type Output, table, wholeNumber } from './output.ts';
import { exactName } from './versioned-name.ts';

export interface ValidateOptions extends CommonOptions {
  readonly against?: string;
  readonly sample: string;
  readonly full?: boolean;
  readonly at?: string;
}

export async function validateCommand(
  { config, output, options }: Context<ValidateOptions>,
  text: string,
): Promise<number> {
  const { name, number } = exactName(text);
  const bar = output.progress('validate', 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  try {
    const validation = await validateProject(config, {
      view: name,
      version: number,
      against: againstOf(name, options.against),
      sample: wholeNumber('sample', options.sample),
      full: options.full === true,
      atMs: options.at === undefined ? null : timeOf(options.at),
      signal: abort.signal,
      onProgress: (share, phase) => bar.update(share, phase),
    });
    bar.stop();
    output.finish(validation, () => sayValidation(output, validation));
    return validation.result === 'fail' ? EXIT.failed : EXIT.ok;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    output.finish({ stopped: true }, () => output.say('stopped; nothing was recorded'));
    return EXIT.stopped;
  } finally {
    bar.stop();
    process.off('SIGINT', stop);
  }
}

/** `live`, `2`, or `view@2` of the same view. */
function againstOf(view: string, text: string | undefined): number | 'live' | null {
  if (text === undefined) return null;
  if (text === 'live') return 'live';
  const version = text.startsWith(`${view}@`) ? text.slice(view.length + 1) : text;
  return wholeNumber('against', version);
}

function timeOf(text: string): number {
  const timeMs = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(timeMs)) return timeMs;
  throw new AsofError('usage', `--at takes a time such as 2026-01-31T12:00:00Z, not '${text}'.`);
}

const MARKS = { pass: pc.green('✓ pass'), warn: pc.yellow('! warn'), fail: pc.red('✗ fail') };

function sayValidation(output: Output, validation: RecordedValidation): void {
  const { view, against, atMs, stages, result, findings } = validation;
  const compared = against === null ? 'against its own last days' : `against ${against}`;
  const at = atMs === null ? '' : ` at ${new Date(atMs).toISOString()}`;
  output.say(`${MARKS[result]}  ${pc.bold(view)} ${compared}${at} (report ${validation.id})`);
  const stage = stages.at(-1);
  if (stage !== undefined) {
    const of = stage.of === 'all' ? 'all' : 'a sample of';
    const changed =
      stage.rows === null
        ? ''
        : `; values of ${count(stage.rows.changed)} of ${count(stage.rows.matched)} changed`;
    output.say(`  ${of} ${count(stage.keys)} keys${changed}`);
    output.say();
    const head = [
      'feature',
      '',
      'nulls',
      'distinct',
      'min',
      'p50',
      'p95',
      'max',
      'mean',
      'changed',
    ];
    const lines = stage.features.flatMap(({ name, before, after, changes }) => [
      ...(before === null ? [] : [[name, 'before', ...figures(before)]]),
      [before === null ? name : '', 'after', ...figures(after), changedText(after.rows, changes)],
    ]);
    for (const line of table([head, ...lines])) output.say(`  ${line}`);
    sayTopKeys(output, stage);
  }
  if (findings.length > 0) output.say();
  for (const finding of findings) {
    output.say(`  ${finding.result === 'fail' ? pc.red('✗') : pc.yellow('!')} ${finding.message}`);
  }
}

type Stage = RecordedValidation['stages'][number];
type Changes = Stage['features'][number]['changes'];

function changedText(rows: number, changes: Changes): string {
  if (changes === null) return '';
  if (changes.changed === 0) return 'none';
  const share = `${Number(((changes.changed / rows) * 100).toPrecision(3))} %`;
  return changes.medianChange === null ? share : `${share}, by ${numberText(changes.medianChange)}`;
}

function sayTopKeys(output: Output, { features }: Stage): void {
  for (const { name, changes } of features) {
    const [top] = changes?.top ?? [];
    if (top === undefined) continue;
    const key = Object.entries(top.key).map(([part, value]) => `${part}=${value}`);
    output.say(
      `  ${pc.dim(`${name} changed most for ${key.join(' ')}: ${top.before} → ${top.after}`)}`,
    );
  }
}
