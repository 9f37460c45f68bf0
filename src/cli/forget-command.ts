import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  forgetProject,
  listForgotten,
  readRequest,
  resumeForgetting,
  verifyForgotten,
} from '../app/forget/forget-project.ts';
import { previewForget } from '../app/forget/preview.ts';
import { type ForgetRecord, recordOf } from '../app/forget/record.ts';
import type { ForgetRequest } from '../app/forget/request.ts';
import { durationMs } from '../base/duration.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { pairsOf } from './option-values.ts';
import { count, EXIT, type Output, type Progress, table } from './output.ts';

export interface ForgetOptions extends CommonOptions {
  readonly entity?: readonly string[];
  readonly key?: readonly string[];
  readonly file?: string;
  readonly column?: readonly string[];
  readonly reason?: string;
  readonly requestId?: string;
  readonly shared: string;
  readonly block?: boolean;
  readonly grace: string;
  readonly dryRun?: boolean;
  readonly resume?: boolean;
  readonly list?: boolean;
  readonly show?: string;
  readonly verify?: string;
}

export async function forgetCommand(context: Context<ForgetOptions>): Promise<number> {
  const { options } = context;
  if (options.list === true) return listCommand(context);
  if (options.show !== undefined) return showCommand(context, options.show);
  if (options.resume === true) return resumeCommand(context);
  const request = await requestOf(options);
  if (options.verify !== undefined) return verifyCommand(context, options.verify, request);
  return options.dryRun === true ? previewCommand(context, request) : runCommand(context, request);
}

async function requestOf(options: ForgetOptions): Promise<ForgetRequest> {
  const { shared, column = [], requestId = null, reason = null } = options;
  if (shared !== 'keep' && shared !== 'remove') {
    throw new AsofError('usage', `--shared is keep or remove, not '${shared}'.`);
  }
  const graceMs = durationMs(options.grace);
  if (graceMs > LIMITS.forgetGraceMsMax)
    throw new AsofError('usage', '--grace is an hour at most.');
  const subjects = [...named(options), ...(await inFile(options.file))];
  const block = options.block === true;
  return { subjects, columns: column, requestId, reason, block, shared, graceMs };
}

/** `--entity route --key origin=ATL --key destination=SFO` names one key by its parts. */
function named({ entity = [], key }: ForgetOptions): unknown[] {
  if (key === undefined) return [...entity];
  const [only] = entity;
  if (only === undefined || entity.length > 1 || only.includes('=')) {
    throw new AsofError('usage', '--key goes with one --entity that is named without a key.');
  }
  return [{ entity: only, key: pairsOf('key', key) }];
}

async function inFile(path: string | undefined): Promise<unknown[]> {
  if (path === undefined) return [];
  if (!existsSync(path))
    throw new AsofError('file_not_found', `There is no file ${path}.`, { path });
  const subjects: unknown[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    number += 1;
    if (line.trim() === '') continue;
    try {
      subjects.push(JSON.parse(line));
    } catch {
      throw new AsofError('usage', `${path}:${number} is no JSON.`, { path });
    }
    if (subjects.length <= LIMITS.forgottenAtOnce) continue;
    throw new AsofError('usage', `More than ${LIMITS.forgottenAtOnce} keys; use several files.`);
  }
  return subjects;
}

async function runCommand(
  { config, output }: Context<ForgetOptions>,
  request: ForgetRequest,
): Promise<number> {
  const bars = new StepBars(output);
  const record = await forgetProject(config, request, {
    onProgress: (step, done, of) => bars.show(step, done, of),
  }).finally(() => bars.stop());
  output.finish(record, () => sayRecord(output, record));
  return record.scan.hits.length === 0 ? EXIT.ok : EXIT.failed;
}

/** One bar after the other. */
class StepBars {
  readonly #output: Output;
  #step = '';
  #bar: Progress | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  show(step: string, done: number, of: number): void {
    if (step !== this.#step) {
      this.stop();
      this.#step = step;
      this.#bar = this.#output.progress(`forget: ${step}`, of);
    }
    this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}

async function previewCommand(
  { config, output }: Context<ForgetOptions>,
  request: ForgetRequest,
): Promise<number> {
  const preview = await previewForget(config, await readRequest(config, request));
  output.finish({ dryRun: true, ...preview }, () => {
    output.say(pc.bold('looked for in'));
    for (const { source, columns, entity } of preview.places) {
      output.say(`  ${source}: ${columns.join(', ')} (${entity})`);
    }
    const lines = [
      ...preview.sources.map(({ source, rows, kept }) => {
        const stay = kept === 0 ? '' : `${count(kept)} of them stay, without the person`;
        return [source, `${count(rows)} rows`, stay];
      }),
      ...preview.datasets.map(({ name, number, rows }) => {
        return [
          `${name}@${number}`,
          `${count(rows)} rows`,
          'no longer rebuildable to the same bytes',
        ];
      }),
    ];
    output.say(pc.bold(lines.length === 0 ? 'nothing was found' : 'would go'));
    for (const line of table(lines)) output.say(`  ${line}`);
  });
  return EXIT.ok;
}

async function resumeCommand({ config, output }: Context<ForgetOptions>): Promise<number> {
  await resumeForgetting(config);
  output.finish({ resumed: true }, () => output.say(`${pc.green('✓')} nothing is left to be done`));
  return EXIT.ok;
}

async function listCommand({ config, output }: Context<ForgetOptions>): Promise<number> {
  const runs = await listForgotten(config);
  const shown = runs.map(({ record: _, ...run }) => run);
  output.finish({ runs: shown }, () => {
    if (runs.length === 0) output.say('Nobody was forgotten yet.');
    const lines = runs.map(({ id, state, startedMs, author }) => [
      ...[id, state, new Date(startedMs).toISOString(), author],
    ]);
    for (const line of table(lines)) output.say(line);
  });
  return EXIT.ok;
}

async function showCommand(
  { config, output }: Context<ForgetOptions>,
  id: string,
): Promise<number> {
  const record = recordOf(config.dataDir, id);
  output.finish(record, () => sayRecord(output, record));
  return EXIT.ok;
}

async function verifyCommand(
  { config, output }: Context<ForgetOptions>,
  id: string,
  { subjects }: ForgetRequest,
): Promise<number> {
  const bars = new StepBars(output);
  const found = await verifyForgotten(config, id, subjects, {
    onProgress: (step, done, of) => bars.show(step, done, of),
  }).finally(() => bars.stop());
  const { scan, intact } = found;
  const isProven = intact && scan.hits.length === 0;
  output.finish({ id, intact, proven: isProven, scan }, () => {
    if (!intact) output.say(pc.red('The record is not as it was written.'));
    sayScan(output, found.record, scan);
  });
  return isProven ? EXIT.ok : EXIT.failed;
}

function sayRecord(output: Output, record: ForgetRecord): void {
  output.say(pc.bold(`${record.id}: ${count(record.subjects.length)} key(s)`));
  const lines = record.stores
    .filter(({ removed, kept }) => removed + kept > 0)
    .map(({ store, removed, kept, bytesRewritten }) => {
      const stay = kept === 0 ? '' : `${count(kept)} stay, without the person`;
      return [store, `${count(removed)} removed`, stay, `${count(bytesRewritten)} bytes rewritten`];
    });
  for (const line of table(lines)) output.say(`  ${line}`);
  for (const { name, number } of record.datasets) {
    output.say(pc.yellow(`  ${name}@${number} cannot be rebuilt to the same bytes any more`));
  }
  for (const model of record.models) output.say(`  the model ${model} reads what it was made for`);
  for (const service of record.unprovable) {
    output.say(`  older answers of ${service} can be proven no more`);
  }
  for (const copy of record.notReached) output.say(pc.yellow(`  not reached: ${copy}`));
  sayScan(output, record, record.scan);
}

function sayScan(output: Output, { digest }: ForgetRecord, scan: ForgetRecord['scan']): void {
  for (const path of scan.hits) output.say(pc.red(`  still there: ${path}`));
  for (const path of scan.unread) output.say(pc.yellow(`  could not be read: ${path}`));
  const mark = scan.hits.length === 0 ? pc.green('✓') : pc.red('✗');
  const looked = `${count(scan.files)} files, ${count(scan.bytes)} bytes`;
  output.say(`${mark} searched ${looked}: ${count(scan.hits.length)} hold the key`);
  output.say(pc.dim(`  digest ${digest}`));
}
