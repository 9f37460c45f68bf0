import { AsofError, type ErrorCode, type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { RequestFieldPlan, ServiceKeyPlan } from '../plan/plan.ts';
import { readValue, ValueProblem } from '../schema/read-value.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  type Single,
  typeText,
  type ValueType,
} from '../schema/types.ts';

/** What each row of a request holds. */
export interface RowShape {
  readonly joinKeys: readonly ServiceKeyPlan[];
  readonly request: readonly RequestFieldPlan[];
}

/**
 * Of every row its join keys, then its request fields, in the order of the shape. A request is
 * answered as a whole or not at all: one wrong row refuses it, and every wrong row is listed.
 * @throws AsofError `invalid_key`, `invalid_field`, `bad_request`, `too_many_rows`
 */
export function readRows(rows: readonly unknown[], shape: RowShape): Single[][] {
  if (rows.length > LIMITS.rowsPerRequest) {
    throw new AsofError(
      'too_many_rows',
      `The request has ${rows.length} rows; the limit is ${LIMITS.rowsPerRequest}.`,
      { path: 'rows' },
    );
  }
  const given: Single[][] = [];
  let problems: Problems | null = null;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    const read = readRow(row, shape);
    if (read !== null) {
      given.push(read);
      continue;
    }
    problems ??= new Problems(shape);
    problems.explain(row, at);
  }
  if (problems !== null) throw problems.error(rows.length);
  return given;
}

/** The hot path: null for anything that is not exactly right. */
function readRow(row: unknown, { joinKeys, request }: RowShape): Single[] | null {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return null;
  const fields = row as Readonly<Record<string, unknown>>;
  const read: Single[] = [];
  for (const joinKey of joinKeys) {
    const value = keyValue(fields[joinKey.name], joinKey.type);
    if (value === undefined) return null;
    read.push(value);
  }
  let absent = 0;
  for (const field of request) {
    const given = fields[field.name];
    if (given === undefined) absent += 1;
    const value = fieldValue(given, field);
    if (value instanceof ValueProblem) return null;
    read.push(value);
  }
  let fieldCount = 0;
  for (const _ in fields) fieldCount += 1;
  // A field that is there and undefined is as good as absent, for callers in the process.
  for (let i = 0; absent > 0 && i < request.length; i++) {
    const { name } = request[i] as RequestFieldPlan;
    if (name in fields && fields[name] === undefined) fieldCount -= 1;
  }
  return fieldCount === read.length - absent ? read : null;
}

/** A request field as the platform holds it. */
function fieldValue(given: unknown, { name, type, optional }: RequestFieldPlan) {
  if (given === undefined || given === null) {
    if (optional) return null;
    const what = given === null ? 'null' : 'missing';
    return new ValueProblem('invalid_field', `the field '${name}' is ${what}.`);
  }
  // A field is never summed, so its scale bounds nothing.
  const value = type.kind === 'float64' ? doubleValue(given) : readValue(given, type);
  if (value instanceof ValueProblem) return value;
  return value instanceof Float32Array ? Array.from(value) : value;
}

function doubleValue(given: unknown): number | ValueProblem {
  const value = typeof given === 'bigint' ? Number(given) : given;
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  return readValue(given, { kind: 'float64', scale: 0 }) instanceof ValueProblem
    ? new ValueProblem('invalid_field', 'It is no finite number.')
    : Number(given);
}

/** A join key as the platform holds it, or undefined: keys are int64 or non-empty strings. */
function keyValue(given: unknown, type: ValueType): Scalar | undefined {
  if (type.kind === 'string') {
    return typeof given === 'string' && given !== '' && given.isWellFormed() ? given : undefined;
  }
  if (type.kind !== 'int64') return undefined;
  if (typeof given === 'number') return Number.isSafeInteger(given) ? given + 0 : undefined;
  if (typeof given === 'bigint') return inRange(given);
  if (typeof given === 'string' && /^-?\d{1,19}$/.test(given)) return inRange(BigInt(given));
  return undefined;
}

function inRange(value: bigint): number | bigint | undefined {
  return value >= INT64_MIN && value <= INT64_MAX ? canonicalInteger(value) : undefined;
}

/** The control path: says of each wrong row what is wrong with it. */
class Problems {
  readonly #shape: RowShape;
  readonly #issues: Issue[] = [];
  #wrongRows = 0;
  #code: ErrorCode = 'bad_request';

  constructor(shape: RowShape) {
    this.#shape = shape;
  }

  explain(row: unknown, at: number): void {
    this.#wrongRows += 1;
    const path = `rows[${at}]`;
    const { joinKeys, request } = this.#shape;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      const remedy = `Send an object such as ${exampleRow(this.#shape)}.`;
      this.#add('bad_request', path, `Row ${at} is no object of join keys.`, remedy);
      return;
    }
    const names = [...joinKeys, ...request].map(({ name }) => name);
    const what = request.length === 0 ? 'no join key' : 'no join key and no field';
    for (const name of Object.keys(row)) {
      if (names.includes(name)) continue;
      const message = `Row ${at} has '${name}', which is ${what}.${didYouMean(name, names)}`;
      this.#add('bad_request', `${path}.${name}`, message, `Send only ${names.join(', ')}.`);
    }
    const fields = row as Readonly<Record<string, unknown>>;
    const givenOf = (name: string): unknown =>
      Object.hasOwn(fields, name) ? fields[name] : undefined;
    for (const key of joinKeys) {
      const { name, type } = key;
      const given = givenOf(name);
      if (keyValue(given, type) !== undefined) continue;
      this.#code = 'invalid_key';
      const message = `Row ${at}: ${keyProblem(key, given)}`;
      this.#add('invalid_key', `${path}.${name}`, message, `Send '${name}' as ${typeText(type)}.`);
    }
    for (const field of request) this.#explainField(at, field, givenOf(field.name));
  }

  #explainField(at: number, field: RequestFieldPlan, given: unknown): void {
    const { name, type } = field;
    const value = fieldValue(given, field);
    if (!(value instanceof ValueProblem)) return;
    if (this.#code !== 'invalid_key') this.#code = 'invalid_field';
    const isAbsent = given === undefined || given === null;
    const text = isAbsent ? value.message : `the field '${name}': ${value.message}`;
    const remedy = value.remedy ?? `Send '${name}' as ${typeText(type)}.`;
    this.#add('invalid_field', `rows[${at}].${name}`, `Row ${at}: ${text}`, remedy);
  }

  error(rowCount: number): AsofError {
    const message = `${this.#wrongRows} of ${rowCount} row(s) are wrong; none was answered.`;
    const first = this.#issues[0];
    return new AsofError(
      this.#code,
      first === undefined ? message : `${message} ${first.message}`,
      {
        path: first?.path ?? 'rows',
        issues: this.#issues,
        ...(first === undefined ? {} : { remedy: first.remedy }),
      },
    );
  }

  #add(code: ErrorCode, path: string, message: string, remedy: string): void {
    if (this.#issues.length < LIMITS.issuesPerAnswer) {
      this.#issues.push(issue(code, path, message, remedy));
    }
  }
}

function keyProblem({ name, type, tokens }: ServiceKeyPlan, given: unknown): string {
  if (given === undefined) return `the join key '${name}' is missing.`;
  if (given === null) return `the join key '${name}' is null.`;
  if (given === '') return `the join key '${name}' is empty.`;
  // An id that is never stored is not logged with an error either.
  if (tokens !== undefined) return `the join key '${name}' is no ${typeText(type)}.`;
  const shown = typeof given === 'bigint' ? String(given) : JSON.stringify(given);
  const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  return `the join key '${name}' is ${typeText(type)}, and ${short} is none.`;
}

function exampleRow({ joinKeys, request }: RowShape): string {
  const fields = [...joinKeys, ...request].map(
    ({ name, type }) => `"${name}": ${EXAMPLES[type.kind] ?? '7'}`,
  );
  return `{ ${fields.join(', ')} }`;
}

const EXAMPLES: Readonly<Partial<Record<ValueType['kind'], string>>> = {
  string: '"x"',
  bool: 'true',
  decimal: '9.5',
  float64: '0.5',
  vector: '[0.5, …]',
};
