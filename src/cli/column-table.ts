import type { showDataset } from '../app/dataset-registry.ts';
import { table } from './output.ts';

type Column = Awaited<ReturnType<typeof showDataset>>['columns'][number];

/** Columns with their figures, a line each. */
export function statisticsTable(columns: readonly Column[]): string[] {
  const head = ['column', 'type', 'nulls', 'distinct', 'min', 'p50', 'p95', 'max', 'mean'];
  return table([head, ...columns.map((column) => [column.name, column.type, ...figures(column)])]);
}

/** Share of nulls, distinct values, and where there are numbers: min, p50, p95, max, mean. */
export function figures({ rows, nulls, distinct, numbers }: Column): string[] {
  const share = rows === 0 ? 0 : nulls / rows;
  const first = [`${Number((share * 100).toPrecision(3))} %`, String(distinct)];
  if (numbers === null) return [...first, '', '', '', '', ''];
  const { min, max, mean, quantiles, of } = numbers;
  const show = { time: timeText, length: lengthText, value: numberText }[of];
  return [...first, show(min), show(quantiles.p50), show(quantiles.p95), show(max), show(mean)];
}

export function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e12
    ? String(value)
    : String(Number(value.toPrecision(5)));
}

/** Of texts and lists there is only how long they are. */
function lengthText(length: number): string {
  return `length ${numberText(length)}`;
}

function timeText(timeMs: number): string {
  const isDate = Math.abs(timeMs) <= 8.64e15;
  return isDate ? new Date(timeMs).toISOString().slice(0, 19) : numberText(timeMs);
}
