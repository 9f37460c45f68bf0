import { resolve } from 'node:path';
import { importProject } from '../app/import.ts';
import { durationMs } from '../base/duration.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT } from './output.ts';

export interface ImportCommandOptions extends CommonOptions {
  readonly query?: string;
  readonly arrivalColumn?: string;
  readonly assumedDelay?: string;
  readonly until: string;
  readonly map?: readonly string[];
  readonly timeZone: string;
  readonly finerTimes: string;
  readonly allowMissing?: readonly string[];
  readonly dryRun?: boolean;
}

export async function importCommand(
  context: Context<ImportCommandOptions>,
  source: string,
  files: readonly string[],
): Promise<number> {
  const { config, output, options } = context;
  const bar = output.progress('import', 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  const { arrivalColumn = null, assumedDelay, allowMissing = [], timeZone } = options;
  const startedMs = Date.now();
  try {
    const report = await importProject(config, {
      source,
      input: inputOf(files, options.query),
      options: {
        rename: renames(options.map ?? []),
        arrivalColumn,
        assumedDelayMs: assumedDelay === undefined ? null : durationMs(assumedDelay),
        timeZone,
        finerTimes: finerTimesOf(options.finerTimes),
        mayLack: allowMissing,
        until: untilOf(options.until),
      },
      dryRun: options.dryRun === true,
      signal: abort.signal,
      onProgress: ({ phase, share }) => bar.update(share ?? 0, phase),
    });
    bar.stop();
    const seconds = (Date.now() - startedMs) / 1000;
    output.finish({ ...report, dryRun: options.dryRun === true, seconds }, () => {
      const verb = options.dryRun === true ? 'would be accepted' : 'accepted';
      const again = report.again ? ' (imported before; nothing was taken now)' : '';
      output.say(
        `${pc.green('✓')} ${source}: ${count(report.read)} rows read, ${count(report.accepted)} ${verb}${again}`,
      );
      const { duplicates, rejected, beyondCut, cutMs } = report;
      if (duplicates > 0) output.say(`  ${count(duplicates)} duplicates of what was there`);
      if (beyondCut > 0 && cutMs !== null) {
        output.say(
          `  ${count(beyondCut)} left out: from ${new Date(cutMs).toISOString()} on, or beside what came live`,
        );
      }
      if (rejected > 0) {
        output.say(pc.yellow(`  ${count(rejected)} rejected; see \`asof deadletters ${source}\``));
        for (const [code, rows] of Object.entries(report.rejections)) {
          output.say(pc.yellow(`    ${code}: ${count(rows)}`));
        }
      }
      if (report.ignored.length > 0) {
        output.say(
          pc.yellow(`  columns that '${source}' does not have: ${report.ignored.join(', ')}`),
        );
      }
    });
    return EXIT.ok;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    bar.stop();
    output.finish({ stopped: true }, () =>
      output.say('stopped; the same command goes on where it was'),
    );
    return EXIT.stopped;
  } finally {
    bar.stop();
    process.off('SIGINT', stop);
  }
}

function inputOf(files: readonly string[], sql: string | undefined) {
  if ((sql === undefined) === (files.length === 0)) {
    throw new AsofError('usage', 'Give files, or --query, and not both.');
  }
  if (sql !== undefined) return { kind: 'query' as const, sql };
  const root = process.cwd();
  return { kind: 'files' as const, root, paths: files.map((file) => resolve(root, file)) };
}

function renames(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0 && at < pair.length - 1) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new AsofError('usage', `--map takes theirs=ours, not '${pair}'.`);
    }),
  );
}

function finerTimesOf(text: string): 'refuse' | 'floor' {
  if (text === 'refuse' || text === 'floor') return text;
  throw new AsofError('usage', `--finer-times takes 'refuse' or 'floor', not '${text}'.`);
}

function untilOf(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  const isZoned = /^\d+$|([zZ]|[+-]\d\d:?\d\d)$/.test(text);
  if (Number.isSafeInteger(ms) && ms >= 0 && isZoned) return ms;
  throw new AsofError('usage', `--until takes 'auto' or a time with its zone, not '${text}'.`);
}
