import type { FastifyInstance } from 'fastify';
import { formatDecimal, parseDecimal, parseJson } from '../../src/schema/json.ts';
import { canonicalInteger, type FeatureValue, type ValueType } from '../../src/schema/types.ts';
import type { OracleKey, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { serviceOf } from './answers.ts';
import { exactJson } from './generate-events.ts';
import { shownKey, type Tally } from './tally.ts';

/** The same request in Feast's protocol: what it carries of values and statuses is what the oracle says. */
export async function askFeast(
  tally: Tally,
  app: FastifyInstance,
  oracle: PlatformOracle,
  keys: readonly OracleKey[],
  json: string,
): Promise<void> {
  const service = serviceOf(oracle.plan);
  const { rows } = parseJson(json) as { rows: Readonly<Record<string, unknown>>[] };
  const entities = Object.fromEntries(
    [...service.joinKeys, ...service.request].map(({ name, type }) => [
      name,
      rows.map((row) => sentValue(row[name] ?? null, type)),
    ]),
  );
  const post = async (url: string, payload: string): Promise<string> => {
    const headers = { 'content-type': 'application/json' };
    return (await app.inject({ method: 'POST', url, payload, headers })).body;
  };
  const text = await post(
    '/get-online-features',
    exactJson({ feature_service: service.name, entities }),
  );
  // The clock stands still: the answer in asof's own form says time and position of both.
  const own = JSON.parse(await post('/v1/features', json));
  const { metadata, results } = JSON.parse(text, keepDigits) as Answer;
  const types = new Map(
    [...service.features, ...service.onDemand].map(({ name, type }) => [name, type]),
  );
  keys.forEach((key, i) => {
    const commit: number = own.position.commit;
    const expected = oracle.service(service, key, own.asOfMs, (event) => event.commit <= commit);
    for (const [name, { value, status }] of expected) {
      const type = types.get(name);
      if (type === undefined) continue;
      const result = results[metadata.feature_names.indexOf(name)];
      const what = (): string => `${name} for ${shownKey(key)} at ${own.asOfMs}, commit ${commit}`;
      tally.compare('feast', readValue(result?.values[i], type), shown(value, type), what);
      const told = statusOf(status, value === null);
      tally.compare('feast', result?.statuses[i], told, () => `the status of ${what()}`);
    }
  });
}

interface Answer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: unknown[]; readonly statuses: string[] }[];
}

class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? new Digits(context?.source ?? '') : value;
}

/** Times of requests are in seconds, too. */
function sentValue(value: unknown, type: ValueType): unknown {
  const isTime = type.kind === 'timestamp' && typeof value === 'number';
  return isTime ? JSON.rawJSON(formatDecimal(value, 3)) : value;
}

/** As a client reads it by the type of the feature: the table of docs/coming-from-feast.md. */
function readValue(value: unknown, type: ValueType): unknown {
  if (Array.isArray(value)) {
    const of: ValueType = type.kind === 'list' ? type.of : { kind: 'float64', scale: 0 };
    return value.map((item) => readValue(item, of));
  }
  if (type.kind === 'counts' && typeof value === 'object' && value !== null) {
    const entries = Object.entries(value as Record<string, unknown>);
    return new Map(entries.map(([name, count]) => [name, Number((count as Digits).text)]));
  }
  if (!(value instanceof Digits)) return value;
  const { text } = value;
  if (type.kind === 'float64') return /[.e]/.test(text) ? Number(text) : undefined;
  if (type.kind === 'decimal') return /\./.test(text) ? parseDecimal(text, type.scale) : undefined;
  if (type.kind === 'timestamp') return parseDecimal(text, 3);
  return canonicalInteger(BigInt(text));
}

/** What that comes to for the value that the oracle gives. */
function shown(value: FeatureValue | undefined, type: ValueType): unknown {
  if (!Array.isArray(value)) return value;
  if (value.length === 0) return null;
  if (type.kind !== 'counts') return value;
  const { of } = type;
  return new Map(
    value.map((one: { value: unknown; count: number }) => [countName(one.value, of), one.count]),
  );
}

function countName(value: unknown, of: ValueType): string {
  if (of.kind === 'decimal') {
    const text = formatDecimal(value as number | bigint, of.scale);
    return text.includes('.') ? text : `${text}.0`;
  }
  return of.kind === 'timestamp' ? formatDecimal(value as number, 3) : String(value);
}

function statusOf(status: string, isNull: boolean): string {
  if (status === 'present' || status === 'stale') return isNull ? 'NULL_VALUE' : 'PRESENT';
  if (status === 'default') return isNull ? 'NOT_FOUND' : 'PRESENT';
  if (status === 'missing') return 'NOT_FOUND';
  return status === 'expired' ? 'OUTSIDE_MAX_AGE' : 'INVALID';
}
