import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { didYouMean } from '../../base/suggest.ts';

export type ConditionOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in';

export interface NeighborCondition {
  readonly feature: string;
  readonly op: ConditionOp;
  readonly value: unknown;
}

/** What is asked for, in its form right; names and types are looked up later. */
export interface NeighborRequest {
  readonly view: string;
  readonly version: number | null;
  /** The vector that is compared. */
  readonly feature: string;
  /** What is near to this one, or to that of an entity. */
  readonly vector: unknown;
  readonly key: Readonly<Record<string, unknown>> | null;
  readonly k: number;
  /** Further features of the view to answer with. */
  readonly features: readonly string[];
  readonly where: readonly NeighborCondition[];
  /** Only these entities; null: all. */
  readonly keys: readonly Readonly<Record<string, unknown>>[] | null;
  readonly timeoutMs: number | undefined;
}

const FIELDS = [
  'view',
  'version',
  'feature',
  'vector',
  'key',
  'k',
  'features',
  'where',
  'keys',
  'timeoutMs',
];
const OPS: readonly ConditionOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in'];
const K_DEFAULT = 10;

/** @throws AsofError `bad_request` */
export function readNeighborRequest(body: unknown): NeighborRequest {
  if (!isObject(body)) throw refusal('body', 'The body is no object.');
  for (const field of Object.keys(body)) {
    if (FIELDS.includes(field)) continue;
    throw refusal(field, `'${field}' is no field of this request.${didYouMean(field, FIELDS)}`);
  }
  const { vector, key = null, keys = null, where = [], features = [], k = K_DEFAULT } = body;
  if ((vector === undefined) === (key === null)) {
    throw refusal('vector', "Give either 'vector' or the 'key' of an entity that has one.");
  }
  if (key !== null && !isObject(key)) throw refusal('key', "'key' must be an object of join keys.");
  if (!isWhole(k, 1, LIMITS.neighborsMax)) {
    throw refusal('k', `'k' must be a whole number from 1 to ${LIMITS.neighborsMax}.`);
  }
  if (!isListOf(features, LIMITS.neighborConditions, (one) => typeof one === 'string')) {
    throw refusal('features', `'features' must be at most ${LIMITS.neighborConditions} names.`);
  }
  if (keys !== null && !isListOf(keys, LIMITS.neighborKeys, isObject)) {
    throw refusal('keys', `'keys' must be at most ${LIMITS.neighborKeys} objects of join keys.`);
  }
  return {
    view: nameIn(body, 'view'),
    version: versionIn(body),
    feature: nameIn(body, 'feature'),
    vector,
    key,
    k,
    features: features as string[],
    where: conditionsIn(where),
    keys: keys as NeighborRequest['keys'],
    timeoutMs: timeoutIn(body),
  };
}

function conditionsIn(where: unknown): NeighborCondition[] {
  if (!isListOf(where, LIMITS.neighborConditions, isObject)) {
    const message = `'where' must be at most ${LIMITS.neighborConditions} conditions.`;
    throw refusal('where', message);
  }
  return (where as Readonly<Record<string, unknown>>[]).map((one, at) => {
    const { feature, op, value, ...others } = one;
    const known = OPS.find((each) => each === op);
    const isGiven = value !== undefined && (known !== 'in' || Array.isArray(value));
    if (typeof feature === 'string' && known !== undefined && isGiven) {
      if (Object.keys(others).length === 0) return { feature, op: known, value };
    }
    const message = `Condition ${at} must be { "feature": name, "op": ${OPS.join(' | ')}, "value": … }.`;
    throw refusal(`where[${at}]`, message);
  });
}

function nameIn(body: Readonly<Record<string, unknown>>, field: string): string {
  const given = body[field];
  if (typeof given === 'string' && given !== '') return given;
  throw refusal(field, `'${field}' must be a name.`);
}

function versionIn({ version }: Readonly<Record<string, unknown>>): number | null {
  if (version === undefined) return null;
  if (isWhole(version, 1, Number.MAX_SAFE_INTEGER)) return version;
  throw refusal('version', "'version' must be a whole number.");
}

function timeoutIn({ timeoutMs }: Readonly<Record<string, unknown>>): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (isWhole(timeoutMs, 1, LIMITS.requestTimeoutMaxMs)) return timeoutMs;
  const most = LIMITS.requestTimeoutMaxMs;
  throw refusal('timeoutMs', `'timeoutMs' must be a whole number from 1 to ${most}.`);
}

function isWhole(given: unknown, least: number, most: number): given is number {
  return Number.isSafeInteger(given) && Number(given) >= least && Number(given) <= most;
}

function isListOf(given: unknown, most: number, fits: (one: unknown) => boolean): boolean {
  return Array.isArray(given) && given.length <= most && given.every(fits);
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function refusal(path: string, message: string): AsofError {
  return new AsofError('bad_request', message, {
    path,
    remedy: 'Send { "view": "items", "feature": "embedding", "vector": [0.1, …], "k": 10 }.',
  });
}
