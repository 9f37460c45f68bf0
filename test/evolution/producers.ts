import { assert, present } from '../../src/base/assert.ts';
import type { Random } from '../../src/base/random.ts';
import { encodeColumns } from '../../src/client/encode-columns.ts';
import { ColumnsBody, type PushBody } from '../../src/ingest/push-body.ts';
import { canonicalInteger, type Scalar } from '../../src/schema/types.ts';
import {
  type AmountPlaces,
  DEFAULTS,
  type Lineage,
  type Meaning,
  type Stage,
  sourceAt,
} from './random-source.ts';

/** A row as it is meant; the amount in thousandths. What is undefined is not sent. */
export interface MeantRow {
  readonly n: number;
  readonly at: number;
  readonly user: string;
  readonly op: string;
  readonly amount: bigint;
  readonly label: string | null | undefined;
  readonly currency: string | null | undefined;
  readonly bonus: number | null | undefined;
  readonly flag: boolean | null | undefined;
}

export interface Sent {
  readonly body: PushBody;
  /** The schema version that it names, if it does. */
  readonly pinned: number | null;
  readonly how: string;
}

const USERS = ['u1', 'u2', 'ü😀'];
const LABELS = ['', 'a', 'b', 'ß', null, undefined];

/** A row that a producer of a version can have. */
export function randomRow(
  random: Random,
  stage: Stage,
  isWide: boolean,
  { n, at, op }: Pick<MeantRow, 'n' | 'at' | 'op'>,
): MeantRow {
  const step = stage.amount === null ? 1n : 10n ** BigInt(3 - stage.amount);
  const units =
    isWide && random.below(6) === 0 ? 9_007_199_254_740_000n : BigInt(random.below(5_000));
  const sign = random.below(3) === 0 ? -1n : 1n;
  const has = <T>(meaning: Meaning, values: readonly T[]): T | undefined =>
    stage.names.has(meaning) ? anyOf(random, values) : undefined;
  // The largest are whole numbers that are exact in thousandths.
  const amount = units > 5_000n ? units * 1000n : units * step;
  return {
    ...{ n, at, op },
    user: random.pick(USERS),
    amount: sign * amount,
    label: anyOf(random, LABELS),
    currency: has('currency', ['EUR', 'USD', null, undefined]),
    bonus: has('bonus', [1, 2 ** 40, null, undefined]),
    flag: has('flag', [true, false, null, undefined]),
  };
}

function anyOf<T>(random: Random, values: readonly T[]): T | undefined {
  return values[random.below(values.length)];
}

/** What the row is to who has only ever known the newest version: by present names. */
export function naiveValues(row: MeantRow, stage: Stage): Record<string, Scalar> {
  const values: Record<Meaning, Scalar> = {
    ...{ n: row.n, at: row.at, user: row.user, op: row.op },
    amount: amountValue(row.amount, stage.amount),
    label: row.label ?? null,
    currency: row.currency ?? DEFAULTS.currency,
    bonus: row.bonus ?? DEFAULTS.bonus,
    flag: row.flag ?? null,
  };
  return Object.fromEntries([...stage.names].map(([meaning, name]) => [name, values[meaning]]));
}

function amountValue(thousandths: bigint, places: AmountPlaces): Scalar {
  if (places === null) return Number(thousandths) / 1000;
  const step = 10n ** BigInt(3 - places);
  assert(thousandths % step === 0n, 'an amount of the version');
  return canonicalInteger(thousandths / step);
}

/** Rows of a version in one of the forms in which they can be sent. */
export async function sentBody(
  random: Random,
  lineage: Lineage,
  from: Stage,
  now: Stage,
  rows: readonly MeantRow[],
): Promise<Sent> {
  const { stages, shape } = lineage;
  const isPinned = random.below(4) === 0;
  const later = stages.slice(stages.indexOf(from), stages.indexOf(now) + 1);
  // Unless a version is named, each column may have any of the names that it has had since.
  const mixes = !isPinned && random.below(4) === 0;
  const objects = rows.map((row) =>
    fieldsOf(random, from, row, (meaning) =>
      present((mixes ? random.pick(later) : from).names.get(meaning), meaning),
    ),
  );
  const pinned = isPinned ? from.version : null;
  const told = `rows of version ${from.version}${isPinned ? ', pinned' : mixes ? ', mixed' : ''}`;
  if (!mixes && shape !== 'envelope' && random.below(3) === 0) {
    // As the client of that version did.
    const bytes = await encodeColumns(sourceAt(lineage, from, false).node, objects);
    if (bytes !== null) return { body: new ColumnsBody(bytes), pinned, how: `${told}, columns` };
  }
  const op = (row: Record<string, unknown>, i: number): Record<string, unknown> =>
    shape === 'envelope' ? enveloped(random, from, row, present(rows[i], 'a row')) : row;
  const shaped = objects.map(op);
  if (random.below(3) === 0) return { body: shaped, pinned, how: `${told}, objects` };
  const lines = shaped.map((row) =>
    JSON.stringify(row, exactly).replaceAll(/"#(-?[\d.]+)"/g, '$1'),
  );
  if (random.below(2) === 0) return { body: `[${lines.join(',')}]`, pinned, how: `${told}, JSON` };
  return { body: lines.join('\n'), pinned, how: `${told}, lines` };
}

function exactly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `#${value}` : value;
}

function enveloped(
  random: Random,
  { names }: Stage,
  row: Record<string, unknown>,
  { op }: MeantRow,
): Record<string, unknown> {
  const name = present(names.get('op'), 'op');
  const { [name]: _, ...part } = row;
  const beside = { [name]: op, ...(random.below(2) === 0 ? { ts_ms: 5, source: { x: 1 } } : {}) };
  return op === 'd'
    ? { ...beside, before: part, after: null }
    : { ...beside, before: null, after: part };
}

function fieldsOf(
  random: Random,
  stage: Stage,
  row: MeantRow,
  called: (meaning: Meaning) => string,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const meaning of stage.names.keys()) {
    const value =
      meaning === 'amount' ? sentAmount(random, row.amount, stage.amount) : row[meaning];
    if (value !== undefined) fields[called(meaning)] = value;
  }
  return fields;
}

/** As a number where JSON's readers keep it, else as text. */
function sentAmount(random: Random, thousandths: bigint, places: AmountPlaces): unknown {
  const sign = thousandths < 0n ? '-' : '';
  const digits = String(thousandths < 0n ? -thousandths : thousandths).padStart(4, '0');
  const fraction = digits.slice(-3).replace(/0+$/, '');
  const text = `${sign}${digits.slice(0, -3)}${fraction === '' ? '' : `.${fraction}`}`;
  const isExact = Math.abs(Number(thousandths)) < 1e15;
  if (places !== null && (!isExact || random.below(4) === 0)) return text;
  return Number(text);
}
