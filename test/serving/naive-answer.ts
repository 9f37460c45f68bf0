import { present as given } from '../../src/base/assert.ts';
import { jsonFeature, jsonScalar } from '../../src/schema/json.ts';
import type { FeatureValue } from '../../src/schema/types.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { type OracleEvent, oracleView } from '../../src/testing/platform-oracle.ts';
import type { Row, ServingWorld } from './world.ts';

/** The obvious way to write an answer as JSON, for the fast text to be compared with. */
export function naiveJson(world: ServingWorld, response: FeatureResponse): string {
  const service = given(
    world.plan.services.find((one) => one.name === response.service),
    'the service is in the plan',
  );
  const object = (fields: readonly (readonly [string, string])[]): string =>
    `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  const rows = response.rows.map((row) =>
    object([
      [
        'key',
        object(service.joinKeys.map((k) => [k.name, jsonScalar(row.key[k.name] ?? null, k.type)])),
      ],
      [
        'values',
        object(
          service.features.map((f) => [f.name, jsonFeature(row.values[f.name] ?? null, f.type)]),
        ),
      ],
      ['statuses', JSON.stringify(row.statuses)],
    ]),
  );
  const { rows: _, ...envelope } = response;
  return `${JSON.stringify(envelope).slice(0, -1)},"rows":[${rows.join(',')}]}`;
}

/** The values of a row by the naive oracle, over the events that its position contains. */
export function oracleValues(
  world: ServingWorld,
  response: FeatureResponse,
  key: Row,
  events: readonly OracleEvent[],
): Record<string, FeatureValue> {
  const service = given(
    world.plan.services.find((one) => one.name === response.service),
    'the service is in the plan',
  );
  const values: Record<string, FeatureValue> = {};
  for (const output of service.features) {
    const view = given(
      world.plan.views.find((one) => one.name === output.view && one.version === output.version),
      'the view is in the plan',
    );
    const knows = (event: OracleEvent): boolean => event.commit <= response.position.commit;
    const oracle = oracleView(world.plan, view, events, key, response.asOfMs, knows);
    values[output.name] = oracle.get(output.feature) ?? null;
  }
  return values;
}
