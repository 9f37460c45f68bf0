import {
  checkDatasetLeakage,
  checkProjectLeakage,
  type LeakageReport,
  type LeakFinding,
} from '../app/leakage.ts';
import type { TrainRequest } from '../app/offline.ts';
import { colors as pc } from './colors.ts';
import type { Context } from './context.ts';
import { count, EXIT } from './output.ts';
import { requestOf, type TrainOptions } from './train-options.ts';

/** `asof train --check-leakage`: looks instead of writing. */
export async function leakageCommand(
  { config, output, options }: Context<TrainOptions>,
  watching: Pick<TrainRequest, 'signal' | 'onProgress'>,
  stopBar: () => void,
): Promise<number> {
  const labelColumns =
    options.label === undefined ? [] : options.label.split(',').map((one) => one.trim());
  const looking = { labelColumns, labelTime: options.labelTime ?? null };
  const { dataset } = options;
  const report =
    dataset === undefined
      ? await checkProjectLeakage(config, { ...requestOf(options, ''), ...watching }, looking)
      : await checkDatasetLeakage(config, dataset, looking, watching);
  stopBar();
  const failed = report.findings.filter((one) => fails(one, options.failOn));
  output.finish({ ...report, failed: failed.length > 0 }, () => {
    for (const line of reportLines(report)) output.say(line);
  });
  return failed.length > 0 ? EXIT.failed : EXIT.ok;
}

function fails({ severity }: LeakFinding, failOn: TrainOptions['failOn']): boolean {
  if (failOn === undefined) return false;
  return severity === 'leak' || (severity === 'warning' && failOn === 'warning');
}

const MARKS = { leak: pc.red('✗ leak'), warning: pc.yellow('! warning'), info: pc.dim('· info') };

function reportLines({ findings, checks, rows, sampledRows, service }: LeakageReport): string[] {
  const looked = `${count(rows)} rows for ${service}, the features of ${count(sampledRows)} looked at`;
  const lines = findings.flatMap(({ severity, message, remedy }) => [
    `${MARKS[severity]}  ${message}`,
    `  ${remedy}`,
  ]);
  const skipped = Object.entries(checks).filter(([, state]) => state !== 'done');
  return [
    looked,
    ...lines,
    ...(findings.some((one) => one.severity !== 'info') ? [] : [`${pc.green('✓')} no leak found`]),
    ...skipped.map(([name, state]) => pc.dim(`${name.replaceAll('_', ' ')}: ${state}`)),
  ];
}
