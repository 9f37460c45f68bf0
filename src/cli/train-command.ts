import { resolve } from 'node:path';
import { trainDataset } from '../app/datasets.ts';
import { type TrainRequest, trainProject } from '../app/offline.ts';
import { durationMs } from '../base/duration.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT } from './output.ts';

export interface TrainOptions extends CommonOptions {
  readonly service: string;
  readonly spine: string;
  readonly out: string;
  readonly known: 'serving' | 'final';
  readonly time?: string;
  readonly prefix?: string;
  readonly servingDelay?: string;
  readonly statuses?: boolean;
  readonly name?: string;
  readonly author: string;
}

export async function trainCommand(context: Context<TrainOptions>): Promise<number> {
  const { config, output, options } = context;
  const bar = output.progress('training set', 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  try {
    const request: TrainRequest = {
      service: options.service,
      spine: resolve(options.spine),
      out: resolve(options.out),
      known: options.known,
      servingDelayMs: options.servingDelay === undefined ? 0 : durationMs(options.servingDelay),
      ...(options.time === undefined ? {} : { time: options.time }),
      statuses: options.statuses === true,
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
      signal: abort.signal,
      onProgress: ({ share, phase }) => bar.update(share, phase),
    };
    const { name, author } = options;
    const report =
      name === undefined
        ? { ...(await trainProject(config, request)), dataset: null }
        : await trainDataset(config, request, { name, author });
    bar.stop();
    output.finish({ ...report, out: resolve(options.out) }, () => {
      output.say(
        `${pc.green('✓')} ${count(report.rows)} rows × ${report.features.length} features ` +
          `in ${report.seconds.toFixed(1)} s, known: ${report.known}`,
      );
      output.say(`  ${resolve(options.out)}`);
      const { dataset } = report;
      if (dataset !== null) output.say(`  recorded as ${dataset.name}@${dataset.number}`);
      const empty = report.nullKeys + report.nullTimes;
      if (empty > 0) {
        output.say(
          pc.yellow(`  ${count(empty)} rows have no key or no time; their features are null`),
        );
      }
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
