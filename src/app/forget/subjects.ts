import { AsofError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { EntityPlan } from '../../plan/plan.ts';
import { readValue, ValueProblem } from '../../schema/read-value.ts';
import { typeText } from '../../schema/types.ts';

/** One key of one entity: who is to be forgotten. */
export interface Subject {
  readonly entity: string;
  /** As text, in the order of the entity's join keys. */
  readonly values: readonly string[];
}

/**
 * Reads `user=42`, `fraud.user=42` or, of several join keys, `route=ATL,SFO`.
 * @throws AsofError `usage`, `unknown_name`
 */
export function parseSubject(text: string, entities: readonly EntityPlan[]): Subject {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`'${text}' is no entity=key.`);
  const entity = entityOf(text.slice(0, at), entities);
  const rest = text.slice(at + 1);
  const values = entity.joinKeys.length === 1 ? [rest] : rest.split(',');
  return checked(entity, values);
}

/**
 * Reads one line of a file of subjects: `"user=42"`, or
 * `{ "entity": "user", "key": "42" }` with a key, a list of keys or an object of join keys.
 * @throws AsofError as `parseSubject`
 */
export function readSubject(line: unknown, entities: readonly EntityPlan[]): Subject {
  if (typeof line === 'string') return parseSubject(line, entities);
  if (typeof line !== 'object' || line === null || !('entity' in line) || !('key' in line)) {
    throw usage('A line is a text such as "user=42", or has `entity` and `key`.');
  }
  const entity = entityOf(String(line.entity), entities);
  const { key } = line;
  if (Array.isArray(key)) return checked(entity, key.map(String));
  if (typeof key !== 'object' || key === null) return checked(entity, [String(key)]);
  return subjectOfKeys(entity, new Map(Object.entries(key)));
}

/** A key by the names of its parts. @throws AsofError as `parseSubject` */
export function subjectOfKeys(entity: EntityPlan, keys: ReadonlyMap<string, unknown>): Subject {
  const names = entity.joinKeys.map(({ name }) => name);
  for (const name of keys.keys()) {
    if (names.includes(name)) continue;
    throw usage(`'${entity.name}' has no join key '${name}'.${didYouMean(name, names)}`);
  }
  return checked(
    entity,
    names.map((name) => String(keys.get(name) ?? '')),
  );
}

/** @throws AsofError `unknown_name` */
export function entityOf(name: string, entities: readonly EntityPlan[]): EntityPlan {
  const found = entities.find((entity) => entity.name === name);
  if (found !== undefined) return found;
  const names = entities.map((entity) => entity.name);
  throw new AsofError('unknown_name', `No entity is named '${name}'.${didYouMean(name, names)}`, {
    remedy: 'Name an entity() that is, or was, applied.',
  });
}

function checked(entity: EntityPlan, given: readonly string[]): Subject {
  const { joinKeys, name } = entity;
  if (given.length !== joinKeys.length) {
    const parts = joinKeys.map((key) => key.name).join(',');
    throw usage(`A key of '${name}' has the parts ${parts}; ${given.length} are given.`);
  }
  const values = joinKeys.map(({ name: part, type }, at) => {
    const value = given[at] ?? '';
    const read = value === '' ? null : readValue(value, type);
    if (read !== null && !(read instanceof ValueProblem) && !(read instanceof Float32Array)) {
      return String(read);
    }
    // The value is not repeated: what is printed is kept in terminals and logs.
    throw usage(`The key '${part}' of '${name}' is no ${typeText(type)}.`);
  });
  return { entity: name, values };
}

function usage(message: string): AsofError {
  return new AsofError('usage', message, { remedy: 'See `asof forget --help`.' });
}
