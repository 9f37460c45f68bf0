import { AsofError, type ErrorCode, type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  typeText,
  type ValueType,
} from '../schema/types.ts';

export interface JoinKey {
  readonly name: string;
  readonly type: ValueType;
}

/**
 * The join keys of every row, in the order of `joinKeys`. A request is answered as a whole or not
 * at all: one wrong row refuses it, and every wrong row is listed.
 * @throws AsofError `invalid_key`, `bad_request`, `too_many_rows`
 */
export function readKeys(rows: readonly unknown[], joinKeys: readonly JoinKey[]): Scalar[][] {
  if (rows.length > LIMITS.rowsPerRequest) {
    throw new AsofError(
      'too_many_rows',
      `The request has ${rows.length} rows; the limit is ${LIMITS.rowsPerRequest}.`,
      { path: 'rows' },
    );
  }
  const keys: Scalar[][] = [];
  let problems: Problems | null = null;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    const read = readRow(row, joinKeys);
    if (read !== null) {
      keys.push(read);
      continue;
    }
    problems ??= new Problems(joinKeys);
    problems.explain(row, at);
  }
  if (problems !== null) throw problems.error(rows.length);
  return keys;
}

/** The hot path: null for anything that is not exactly right. */
function readRow(row: unknown, joinKeys: readonly JoinKey[]): Scalar[] | null {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return null;
  const fields = row as Readonly<Record<string, unknown>>;
  const read: Scalar[] = [];
  for (const joinKey of joinKeys) {
    const value = keyValue(fields[joinKey.name], joinKey.type);
    if (value === undefined) return null;
    read.push(value);
  }
  let fieldCount = 0;
  for (const _ in fields) fieldCount += 1;
  return fieldCount === joinKeys.length ? read : null;
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
  readonly #joinKeys: readonly JoinKey[];
  readonly #issues: Issue[] = [];
  #wrongRows = 0;
  #code: ErrorCode = 'bad_request';

  constructor(joinKeys: readonly JoinKey[]) {
    this.#joinKeys = joinKeys;
  }

  explain(row: unknown, at: number): void {
    this.#wrongRows += 1;
    const path = `rows[${at}]`;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      const remedy = `Send an object such as ${exampleRow(this.#joinKeys)}.`;
      this.#add('bad_request', path, `Row ${at} is no object of join keys.`, remedy);
      return;
    }
    const names = this.#joinKeys.map((joinKey) => joinKey.name);
    for (const name of Object.keys(row)) {
      if (names.includes(name)) continue;
      const message = `Row ${at} has '${name}', which is no join key.${didYouMean(name, names)}`;
      this.#add('bad_request', `${path}.${name}`, message, `Send only ${names.join(', ')}.`);
    }
    const fields = row as Readonly<Record<string, unknown>>;
    for (const { name, type } of this.#joinKeys) {
      const given = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (keyValue(given, type) !== undefined) continue;
      this.#code = 'invalid_key';
      const message = `Row ${at}: ${keyProblem(name, given, type)}`;
      this.#add('invalid_key', `${path}.${name}`, message, `Send '${name}' as ${typeText(type)}.`);
    }
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

function keyProblem(name: string, given: unknown, type: ValueType): string {
  if (given === undefined) return `the join key '${name}' is missing.`;
  if (given === null) return `the join key '${name}' is null.`;
  if (given === '') return `the join key '${name}' is empty.`;
  const shown = typeof given === 'bigint' ? String(given) : JSON.stringify(given);
  const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  return `the join key '${name}' is ${typeText(type)}, and ${short} is none.`;
}

function exampleRow(joinKeys: readonly JoinKey[]): string {
  const fields = joinKeys.map(
    ({ name, type }) => `"${name}": ${type.kind === 'int64' ? 7 : '"x"'}`,
  );
  return `{ ${fields.join(', ')} }`;
}
