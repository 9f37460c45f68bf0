import { type DatasetDiff, type Difference, diffDatasets } from '../app/dataset-diff.ts';
import { colors as pc } from './colors.ts';
import { figures } from './column-table.ts';
import type { Context } from './context.ts';
import { count, EXIT, type Output, table } from './output.ts';
import { versionedName } from './versioned-name.ts';

/** Columns whose values changed that are shown with examples. */
const EXAMPLES = 3;

export async function diffCommand(
  { config, output }: Context,
  before: string,
  after: string,
): Promise<number> {
  const bar = output.progress('compare', 1);
  try {
    const onProgress = ({ share, phase }: { share: number; phase: string }): void =>
      bar.update(share, phase);
    const names = [versionedName(before), versionedName(after)] as const;
    const diff = await diffDatasets(config, names[0], names[1], { onProgress });
    bar.stop();
    output.finish(resultOf(diff), () => sayDiff(output, diff));
    return EXIT.ok;
  } finally {
    bar.stop();
  }
}

function resultOf({ before, after, ...rest }: DatasetDiff): object {
  const nameOf = (one: typeof before): string => `${one.name}@${one.number}`;
  return { before: nameOf(before), after: nameOf(after), ...rest };
}

function sayDiff(output: Output, diff: DatasetDiff): void {
  const { before, after, rows } = diff;
  output.say(pc.bold(`${before.name}@${before.number} → ${after.name}@${after.number}`));
  sayPart(output, 'Definitions', diff.definitions);
  sayPart(output, 'Made from', diff.position);
  sayPart(output, 'Options', diff.options);
  output.say();
  if (rows === null) output.say('Rows: their keys are not the same, so they are not compared.');
  else {
    output.say(
      `Rows: ${count(rows.added)} added, ${count(rows.removed)} removed, ` +
        `${count(rows.changed)} of ${count(rows.matched)} changed`,
    );
    for (const column of rows.columns) {
      if (column.changed === 0) continue;
      const size = column.medianChange === null ? '' : `, typically by ${column.medianChange}`;
      output.say(`  ${pc.yellow(column.name)}: ${count(column.changed)} changed${size}`);
      for (const { key, before: was, after: is } of column.top.slice(0, EXAMPLES)) {
        const at = Object.entries(key).map(([name, value]) => `${name}=${value}`);
        output.say(`    ${at.join(' ')}: ${was} → ${is}`);
      }
    }
  }
  output.say();
  const head = ['column', '', 'nulls', 'distinct', 'min', 'p50', 'p95', 'max', 'mean'];
  const lines = diff.columns.flatMap(({ name, before: was, after: is }) => [
    [name, 'before', ...(was === null ? ['absent'] : figures(was))],
    ['', 'after', ...(is === null ? ['absent'] : figures(is))],
  ]);
  for (const line of table([head, ...lines])) output.say(line);
}

function sayPart(output: Output, title: string, differences: readonly Difference[]): void {
  if (differences.length === 0) return;
  output.say();
  output.say(title);
  for (const { what, before, after } of differences) {
    output.say(`  ${what}: ${short(before)} → ${short(after)}`);
  }
}

function short(text: string | null): string {
  if (text === null) return 'absent';
  return /^[0-9a-f]{40,}$/.test(text) ? text.slice(0, 12) : text;
}
