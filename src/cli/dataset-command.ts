import { resolve } from 'node:path';
import { rebuildDataset } from '../app/dataset-rebuild.ts';
import { deleteDataset, forgottenOf, listDatasets, showDataset } from '../app/dataset-registry.ts';
import { colors as pc } from './colors.ts';
import { statisticsTable } from './column-table.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT, table } from './output.ts';
import { exactName, versionedName } from './versioned-name.ts';

export interface RebuildOptions extends CommonOptions {
  readonly out?: string;
  readonly allowForgotten?: boolean;
}

type Dataset = Awaited<ReturnType<typeof showDataset>>;

export async function listCommand(
  { config, output }: Context,
  name: string | null,
): Promise<number> {
  const datasets = await listDatasets(config, name);
  const marks = Map.groupBy(await forgottenOf(config, name), (one) => `${one.name}@${one.number}`);
  const since = (one: Dataset): string[] =>
    (marks.get(`${one.name}@${one.number}`) ?? []).map(({ forgotten }) => forgotten);
  const shown = datasets.map((one) => ({ ...summaryOf(one), forgotten: since(one) }));
  output.finish({ datasets: shown }, () => {
    if (datasets.length === 0) output.say('No datasets; record one with `asof train --name`.');
    const rows = datasets.map((one) => [
      pc.bold(`${one.name}@${one.number}`),
      `${one.service.name}@${one.service.version}`,
      `${count(one.rows)} rows`,
      `through commit ${one.position.commit}`,
      new Date(one.createdMs).toISOString(),
      one.author,
      since(one).length === 0 ? '' : `not rebuildable since ${since(one)[0]}`,
    ]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
}

function summaryOf({ columns: _, spine, ...rest }: Dataset): object {
  return { ...rest, spine: { kind: spine.kind, origin: spine.origin, rows: spine.rows } };
}

export async function showCommand({ config, output }: Context, text: string): Promise<number> {
  const { name, number } = versionedName(text);
  const dataset = await showDataset(config, name, number);
  const forgotten = await forgottenOf(config, dataset.name, dataset.number);
  output.finish({ ...dataset, forgotten }, () => {
    const { service, options, spine, position, code } = dataset;
    output.say(pc.bold(`${dataset.name}@${dataset.number}`));
    const facts = [
      ['made', `${new Date(dataset.createdMs).toISOString()} by ${dataset.author}`],
      ['service', `${service.name}@${service.version}, generation ${dataset.generation}`],
      ['history', `through commit ${position.commit}`],
      ['spine', `${count(spine.rows)} rows, ${spine.kind} ${spine.origin}`],
      ['known', `${options.known}, serving delay ${options.servingDelayMs} ms`],
      ['file', `${dataset.output.path} (${count(dataset.output.bytes)} bytes)`],
      ['sha256', dataset.output.sha256],
      ['content', dataset.contentChecksum],
      ['written by', `asof ${code.asof}, DuckDB ${code.duckdb}`],
      ...forgotten.map((one) => [
        'forgotten',
        `${one.forgotten}: ${count(one.rowsRemoved)} rows; not rebuildable to the same bytes`,
      ]),
    ];
    for (const line of table(facts)) output.say(`  ${line}`);
    output.say();
    for (const line of statisticsTable(dataset.columns)) output.say(`  ${line}`);
  });
  return EXIT.ok;
}

export async function rebuildCommand(
  { config, output, options }: Context<RebuildOptions>,
  text: string,
): Promise<number> {
  const { name, number } = versionedName(text);
  const bar = output.progress('rebuild', 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  try {
    const out = options.out === undefined ? null : resolve(options.out);
    const rebuilt = await rebuildDataset(config, name, number, out, {
      signal: abort.signal,
      allowForgotten: options.allowForgotten === true,
      onProgress: ({ share, phase }) => bar.update(share, phase),
    });
    bar.stop();
    const { dataset, same, versions } = rebuilt;
    const title = `${dataset.name}@${dataset.number}`;
    const result = { name: dataset.name, number: dataset.number, out: rebuilt.out, same, versions };
    output.finish({ ...result, ...dataset.output, rows: dataset.rows }, () => {
      const what = same === 'reduced' ? 'what is left after forgetting' : `the same ${same}`;
      output.say(`${pc.green('✓')} ${title}: ${count(dataset.rows)} rows, ${what}`);
      if (same === 'content') {
        output.say(`  Other bytes, as the versions differ: ${versions.join(', ')}.`);
      }
      output.say(`  ${rebuilt.out}`);
    });
    return EXIT.ok;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    output.finish({ stopped: true }, () => output.say('stopped; nothing was written'));
    return EXIT.stopped;
  } finally {
    bar.stop();
    process.off('SIGINT', stop);
  }
}

export async function deleteCommand({ config, output }: Context, text: string): Promise<number> {
  const { name, number } = exactName(text);
  const { output: file } = await deleteDataset(config, name, number);
  output.finish({ name, number, deleted: true }, () => {
    output.say(`${pc.green('✓')} ${name}@${number} is forgotten; ${file.path} stays`);
  });
  return EXIT.ok;
}
