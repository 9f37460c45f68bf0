import { present } from '../../src/base/assert.ts';
import type { ProjectPlan, ServicePlan } from '../../src/plan/plan.ts';
import { jsonFeature, jsonScalar } from '../../src/schema/json.ts';
import type { FeatureResponse, FeatureRow } from '../../src/serve/answer.ts';
import type { OracleKey, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { coverRetractions, coverTies } from './cover-retractions.ts';
import { SERVICE } from './generate-definitions.ts';
import { servedStatuses } from './served-status.ts';
import { type Engine, shownKey, type Tally } from './tally.ts';

export function serviceOf(plan: ProjectPlan): ServicePlan {
  return present(
    plan.services.find(({ name }) => name === SERVICE),
    'the generated service',
  );
}

/**
 * Holds every value and status of an answer to the oracle, at the answer's own time and position.
 * @param mayFail whether rows may have been away: what says so is no value, and is not compared
 */
export function checkAnswer(
  tally: Tally,
  engine: Engine,
  oracle: PlatformOracle,
  response: FeatureResponse,
  keys: readonly OracleKey[],
  mayFail = false,
): void {
  const service = serviceOf(oracle.plan);
  tally.compare(engine, response.rows.length, keys.length, () => 'rows of an answer');
  keys.forEach((key, i) => {
    const row = response.rows[i];
    if (row !== undefined) checkRow(tally, engine, oracle, service, response, key, row, mayFail);
  });
}

function checkRow(
  tally: Tally,
  engine: Engine,
  oracle: PlatformOracle,
  service: ServicePlan,
  response: FeatureResponse,
  key: OracleKey,
  row: FeatureRow,
  mayFail: boolean,
): void {
  const { asOfMs, position } = response;
  const knows = (event: { readonly commit: number }): boolean => event.commit <= position.commit;
  const expected = oracle.service(service, key, asOfMs, knows);
  const statuses = servedStatuses(oracle, service, expected, asOfMs, position.commit);
  const names = [...expected.keys()].join();
  tally.compare(engine, Object.keys(row.values).join(), names, () => 'names of the values');
  if (engine === 'stream') {
    coverRetractions(tally, oracle, service, { key, timeMs: asOfMs, knows, outputs: expected });
    coverTies(tally, oracle, key, knows);
  }
  for (const [name, answer] of expected) {
    if (mayFail && (row.statuses[name] === 'timeout' || row.statuses[name] === 'error')) {
      tally.cover('a row that could not be had');
      continue;
    }
    const what = (): string =>
      `${name} for ${shownKey(key)} at ${asOfMs}, commit ${position.commit}`;
    tally.compare(engine, row.values[name], answer.value, what);
    const status = statuses.get(name) ?? '';
    tally.compare(engine, row.statuses[name], status, () => `the status of ${what()}`);
    tally.cover(`status ${status}`);
    if (status === 'stale') tally.cover('status present');
    if (answer.status === 'present' && answer.value === null) tally.cover('an attribute of null');
    if (typeof answer.value === 'bigint') tally.cover('an integer beyond 2^53 answered');
    if (Array.isArray(answer.value)) tally.cover('several values answered');
    if (service.onDemand.some((one) => one.name === name)) {
      tally.cover(`on demand ${answer.status}`);
    }
  }
  for (const { name } of service.joinKeys) {
    tally.compare(engine, row.key[name], key[name], () => `the key ${name}`);
  }
}

/** The obvious way to write an answer as JSON, for the fast text to be compared with. */
export function naiveJson(plan: ProjectPlan, response: FeatureResponse): string {
  const service = serviceOf(plan);
  const object = (fields: readonly (readonly [string, string])[]): string =>
    `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  const rows = response.rows.map((row) => {
    const key = service.joinKeys.map(
      ({ name, type }) => [name, jsonScalar(row.key[name] ?? null, type)] as const,
    );
    const values = [...service.features, ...service.onDemand].map(
      ({ name, type }) => [name, jsonFeature(row.values[name] ?? null, type)] as const,
    );
    return object([
      ['key', object(key)],
      ['values', object(values)],
      ['statuses', JSON.stringify(row.statuses)],
    ]);
  });
  const { rows: _, ...envelope } = response;
  return `${JSON.stringify(envelope).slice(0, -1)},"rows":[${rows.join(',')}]}`;
}
