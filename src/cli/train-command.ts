import { resolve } from 'node:path';
import { type RecordedTraining, trainDataset, trainDefined } from '../app/datasets.ts';
import { type TrainRequest, trainProject } from '../app/offline.ts';
import { colors as pc } from './colors.ts';
import type { Context } from './context.ts';
import { leakageCommand } from './leakage-command.ts';
import { count, EXIT } from './output.ts';
import { checkTrainOptions, requestOf, type TrainOptions } from './train-options.ts';

type TrainingReport = Awaited<ReturnType<typeof trainProject>>;

export async function trainCommand(context: Context<TrainOptions>): Promise<number> {
  const { output, options } = context;
  checkTrainOptions(options);
  const out = resolve(options.out ?? '');
  const bar = output.progress(options.checkLeakage ? 'leaks' : 'training set', 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  try {
    const watching: Watching = {
      signal: abort.signal,
      onProgress: ({ share, phase }) => bar.update(share, phase),
    };
    if (options.checkLeakage) return await leakageCommand(context, watching, () => bar.stop());
    const report = await trained(context, out, watching);
    bar.stop();
    output.finish({ ...report, out }, () => {
      output.say(
        `${pc.green('✓')} ${count(report.rows)} rows × ${report.features.length} features ` +
          `in ${report.seconds.toFixed(1)} s, known: ${report.known}`,
      );
      output.say(`  ${out}`);
      const { dataset } = report;
      if (dataset !== null) output.say(`  recorded as ${dataset.name}@${dataset.number}`);
      if (dataset?.notActive !== undefined) {
        output.say(
          pc.yellow(`  its service is ${dataset.notActive}: no request is answered by it`),
        );
      }
      const empty = report.nullKeys + report.nullTimes;
      if (empty > 0) {
        output.say(
          pc.yellow(`  ${count(empty)} rows have no key or no time; their features are null`),
        );
      }
      for (const line of labelLines(report)) output.say(pc.yellow(line));
      for (const line of errorLines(report.errors)) output.say(pc.yellow(line));
    });
    return EXIT.ok;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    bar.stop();
    output.finish({ stopped: true }, () => output.say('stopped; nothing was written'));
    return EXIT.stopped;
  } finally {
    bar.stop();
    process.off('SIGINT', stop);
  }
}

type Watching = Pick<TrainRequest, 'signal' | 'onProgress'>;

async function trained(
  { config, options }: Context<TrainOptions>,
  out: string,
  watching: Watching,
): Promise<TrainingReport & { readonly dataset: RecordedTraining['dataset'] | null }> {
  const { dataset, name, author, draft = false } = options;
  if (dataset !== undefined) {
    return trainDefined(config, { dataset, author, out, draft, ...watching });
  }
  const request = { ...requestOf(options, out), ...watching };
  if (name !== undefined) return trainDataset(config, request, { name, author });
  return { ...(await trainProject(config, request)), dataset: null };
}

/** Labels that are null because their time is not over yet. */
function labelLines({ labels, rows }: TrainingReport): string[] {
  return Object.entries(labels).flatMap(([name, { immature, errors }]) => [
    ...(immature === 0
      ? []
      : [`  ${name}: ${count(immature)} of ${count(rows)} outcomes are not known yet, and null`]),
    ...(errors === 0
      ? []
      : [`  ${name}: ${count(errors)} outcomes have no exact answer, and are null`]),
  ]);
}

/** A value that is an error is null in the training set, as one without events may be. */
function errorLines(errors: Readonly<Record<string, number>>): string[] {
  const found = Object.entries(errors);
  if (found.length === 0) return [];
  return [
    '  Some values are null because of an error: no exact answer is kept, or none fits the type.',
    ...found.map(
      ([feature, rows]) => `    ${feature}: ${count(rows)} ${rows === 1 ? 'row' : 'rows'}`,
    ),
    '  With --statuses each row says which (docs/definitions.md).',
  ];
}
