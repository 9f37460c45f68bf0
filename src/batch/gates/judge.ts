import type { ExpectationPlan } from '../../plan/plan.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import type { LearnedColumn, Span } from './learn.ts';

export interface Finding {
  readonly result: 'warn' | 'fail';
  /** Null: of the rows as a whole. */
  readonly column: string | null;
  readonly rule:
    | 'rows'
    | 'missing'
    | 'changed'
    | 'min'
    | 'max'
    | 'null_share'
    | 'distinct'
    | 'median'
    | 'scale'
    | 'range';
  readonly message: string;
}

export interface Verdict {
  readonly result: 'pass' | 'warn' | 'fail';
  /** Failures first. */
  readonly findings: readonly Finding[];
}

/** From here on a median or a scale that moved is no drift but another unit. */
const OTHER_UNIT_FACTOR = 10;
const SUSPICIOUS_FACTOR = 3;
/** Below so many values a figure says little: what would fail is a warning then. */
const FEW_VALUES = 20;
const NULLS_SUSPICIOUS = 0.1;
const NULLS_WRONG = 0.5;

const NO_EXPECTATION: ExpectationPlan = {
  min: null,
  max: null,
  nullShareMax: null,
  distinctMin: null,
  medianFactorMax: null,
};

/**
 * A unit's rows, such as a day of a table, against what the same columns have looked like and what
 * is declared of them. A declared bound takes the place of what is learned on the same figure.
 */
export function checkUnitAgainstHistory(
  unit: readonly ColumnStatistics[],
  learned: ReadonlyMap<string, LearnedColumn>,
  declared: Readonly<Record<string, ExpectationPlan>>,
): Verdict {
  const findings = [...rowFindings(unit, learned)];
  for (const column of unit) {
    const expectation = declared[column.name] ?? NO_EXPECTATION;
    findings.push(...judgeColumn(column, learned.get(column.name) ?? null, expectation));
  }
  return verdictOf(findings);
}

export function verdictOf(findings: readonly Finding[]): Verdict {
  const failures = findings.filter((finding) => finding.result === 'fail');
  const warnings = findings.filter((finding) => finding.result === 'warn');
  const result = failures.length > 0 ? 'fail' : warnings.length > 0 ? 'warn' : 'pass';
  return { result, findings: [...failures, ...warnings] };
}

/** All columns of a unit have the same rows, so the first one stands for all. */
function* rowFindings(
  unit: readonly ColumnStatistics[],
  learned: ReadonlyMap<string, LearnedColumn>,
): Generator<Finding> {
  const [first] = unit;
  const known = first === undefined ? undefined : learned.get(first.name);
  if (first === undefined || known === undefined) return;
  const { low, high } = known.rows;
  const was = `there were ${spanText(known.rows)} before`;
  if (first.rows === 0 && low > 0) {
    yield { result: 'fail', column: null, rule: 'rows', message: `No rows, and ${was}.` };
    return;
  }
  const factor = factorOutside(first.rows, known.rows);
  if (high === 0 || factor < SUSPICIOUS_FACTOR) return;
  const result = factor >= OTHER_UNIT_FACTOR && known.looks > 1 ? 'fail' : 'warn';
  yield { result, column: null, rule: 'rows', message: `${first.rows} rows, and ${was}.` };
}

/** One column's figures against what is known and declared of it. */
export function judgeColumn(
  column: ColumnStatistics,
  learned: LearnedColumn | null,
  expectation: ExpectationPlan,
): Finding[] {
  return [
    ...declaredFindings(column, expectation),
    ...nullFindings(column, learned, expectation),
    ...(learned === null ? [] : scaleFindings(column, learned, expectation)),
    ...(learned === null ? [] : rangeFindings(column, learned, expectation)),
  ];
}

function* declaredFindings(
  { name, numbers, distinct, rows }: ColumnStatistics,
  expectation: ExpectationPlan,
): Generator<Finding> {
  const { min, max, distinctMin } = expectation;
  const values = numbers?.of === 'length' ? null : numbers;
  if (min !== null && values !== null && values.min < min) {
    const message = `${name} goes down to ${show(values.min)}; declared is at least ${show(min)}.`;
    yield { result: 'fail', column: name, rule: 'min', message };
  }
  if (max !== null && values !== null && values.max > max) {
    const message = `${name} goes up to ${show(values.max)}; declared is at most ${show(max)}.`;
    yield { result: 'fail', column: name, rule: 'max', message };
  }
  if (distinctMin !== null && rows > 0 && distinct < distinctMin) {
    const message = `${name} has ${distinct} different values; declared are at least ${distinctMin}.`;
    yield { result: 'fail', column: name, rule: 'distinct', message };
  }
}

function* nullFindings(
  { name, rows, nulls }: ColumnStatistics,
  learned: LearnedColumn | null,
  { nullShareMax }: ExpectationPlan,
): Generator<Finding> {
  if (rows === 0) return;
  const share = nulls / rows;
  const finding = (result: 'warn' | 'fail', than: string): Finding => ({
    result,
    column: name,
    rule: 'null_share',
    message: `${percent(share)} of ${name} is null; ${than}.`,
  });
  if (nullShareMax !== null) {
    if (share > nullShareMax) yield finding('fail', `declared is at most ${percent(nullShareMax)}`);
    return;
  }
  if (learned === null || learned.rows.high === 0) return;
  const { high } = learned.nullShare;
  const was = `it was at most ${percent(high)}`;
  // Where few values are known, that there are none may be chance.
  const isGone = share === 1 && rows * (1 - high) >= FEW_VALUES;
  const isWrong = share > high + NULLS_WRONG || isGone;
  if (isWrong) yield finding(rows >= FEW_VALUES ? 'fail' : 'warn', was);
  else if (share > high + NULLS_SUSPICIOUS) yield finding('warn', was);
}

/** Dollars that became cents: the middle of the values, or of their sizes, moved by a factor. */
function* scaleFindings(
  { name, numbers }: ColumnStatistics,
  learned: LearnedColumn,
  { medianFactorMax }: ExpectationPlan,
): Generator<Finding> {
  if (numbers === null) return;
  const figures = [
    { rule: 'median', what: 'the median', now: numbers.quantiles.p50, was: learned.median },
    { rule: 'scale', what: 'the typical size', now: numbers.scale?.median, was: learned.scale },
    {
      rule: 'scale',
      what: 'the size of the largest',
      now: numbers.scale?.p95,
      was: learned.scaleP95,
    },
  ] as const;
  const values = Math.min(numbers.count - numbers.zeros, learned.values);
  const wrongFrom = medianFactorMax ?? OTHER_UNIT_FACTOR;
  const suspiciousFrom = medianFactorMax ?? SUSPICIOUS_FACTOR;
  for (const { rule, what, now, was } of figures) {
    if (now === undefined || was === null) continue;
    const factor = factorOutside(now, was);
    // A declared factor allows what is equal to it; a learned one is where the trouble begins.
    const exceeds = (bound: number): boolean =>
      medianFactorMax === null ? factor >= bound : factor > bound;
    if (!exceeds(suspiciousFrom)) continue;
    const isSure = values >= FEW_VALUES && numbers.of !== 'length';
    const result = exceeds(wrongFrom) && isSure ? 'fail' : 'warn';
    const moved = Number.isFinite(factor) ? `moved by a factor of ${show(factor)}` : 'changed sign';
    const message = `${what} of ${name} ${moved}: ${show(now)}, and it was ${spanText(was)}.`;
    yield { result, column: name, rule, message };
    if (result === 'fail') return;
  }
}

/** Values far beyond all that was seen, or of one kind only where there were several. */
function* rangeFindings(
  { name, numbers, distinct, rows, nulls }: ColumnStatistics,
  learned: LearnedColumn,
  { min, max, distinctMin }: ExpectationPlan,
): Generator<Finding> {
  if (
    distinctMin === null &&
    rows - nulls >= FEW_VALUES &&
    distinct <= 1 &&
    learned.distinct.low >= 5
  ) {
    const message = `${name} has one value only; there were ${spanText(learned.distinct)} before.`;
    yield { result: 'warn', column: name, rule: 'distinct', message };
  }
  if (numbers === null || numbers.of !== 'value') return;
  if (learned.min === null || learned.max === null) return;
  const { low } = learned.min;
  const { high } = learned.max;
  const width = high - low;
  const seen = `there were ${show(low)} to ${show(high)} before`;
  if (max === null && width > 0 && numbers.max > high + width) {
    const message = `${name} goes up to ${show(numbers.max)}; ${seen}.`;
    yield { result: 'warn', column: name, rule: 'range', message };
  }
  const isNewlyNegative = numbers.min < 0 && low >= 0;
  if (min === null && ((width > 0 && numbers.min < low - width) || isNewlyNegative)) {
    const message = `${name} goes down to ${show(numbers.min)}; ${seen}.`;
    yield { result: 'warn', column: name, rule: 'range', message };
  }
}

/**
 * How far a figure is from a span, as a factor of at least 1; infinite where it has the other sign.
 * Around 0 there are no factors: 1.
 */
export function factorOutside(now: number, { low, high }: Span): number {
  if (now >= low && now <= high) return 1;
  const edge = now > high ? high : low;
  if (now === 0 || edge === 0) return 1;
  const ratio = now / edge;
  if (ratio < 0) return Math.abs(ratio) >= 1 / SUSPICIOUS_FACTOR ? Number.POSITIVE_INFINITY : 1;
  return ratio >= 1 ? ratio : 1 / ratio;
}

function spanText({ low, high }: Span): string {
  return low === high ? show(low) : `${show(low)} to ${show(high)}`;
}

function show(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e12
    ? String(value)
    : String(Number(value.toPrecision(4)));
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
