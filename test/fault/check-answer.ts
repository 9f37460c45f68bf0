import assert from 'node:assert/strict';
import { scalarOfLiteral } from '../../src/expr/literal.ts';
import type { FeatureValue, Scalar } from '../../src/schema/types.ts';
import type { FeatureResponse, FeatureRow } from '../../src/serve/answer.ts';
import type { Row } from '../serving/world.ts';
import type { FaultWorld } from './fault-world.ts';

/** How many outputs had each status. */
export type Seen = Map<string, number>;

/**
 * Holds an answer to what it says of itself: what is present, a default or stale is the oracle's at
 * the position that it names; what is not there is the declared default, and no value else.
 */
export function checkFaultyAnswer(
  world: FaultWorld,
  response: FeatureResponse,
  keys: readonly Row[],
  seen: Seen,
): void {
  assert.equal(response.rows.length, keys.length);
  for (const [at, row] of response.rows.entries()) {
    checkRow(world, response, keys[at] as Row, row, seen);
  }
}

function checkRow(
  world: FaultWorld,
  response: FeatureResponse,
  key: Row,
  row: FeatureRow,
  seen: Seen,
): void {
  const plan = world.serviceNamed(response.service);
  const { onFailure, required = [], accept = [] } = plan.serving ?? {};
  const at = (commit: number) => {
    const knows = (event: { readonly commit: number }): boolean => event.commit <= commit;
    return world.oracle.service(plan, key, response.asOfMs, knows);
  };
  const now = at(response.position.commit);
  const failed = required.filter((name) => {
    const status = row.statuses[name] ?? '';
    return status !== 'present' && !accept.some((one) => one === status);
  });
  assert.deepEqual(row.failed?.features ?? [], failed);
  if (failed.length > 0) seen.set('failed', (seen.get('failed') ?? 0) + 1);
  const expectValue = (name: string, value: FeatureValue | undefined, why: string): void => {
    const served = row.values[name];
    assert.deepEqual(served, failed.length > 0 ? null : value, `${name}: ${why}`);
  };
  for (const [name, oracle] of now) {
    const status = row.statuses[name] ?? 'none';
    seen.set(status, (seen.get(status) ?? 0) + 1);
    const degraded = response.degraded?.[viewOf(world, response.service, name)];
    if (status === 'error' && oracle.status === 'error') {
      // It may have been read or not: its default is null too.
      assert.equal(row.values[name] ?? null, null, name);
    } else if (status === 'timeout' || status === 'error') {
      const isSkipped = onFailure?.kind === 'skip';
      if (isSkipped) assert.ok(!(name in row.values), `${name} is skipped`);
      else expectValue(name, defaultOf(world, response.service, name), `${status} of a default`);
    } else if (degraded !== undefined) {
      const kept = at(degraded.commit).get(name);
      expectValue(name, kept?.value, `last known at ${degraded.commit}`);
      const isComputed = kept?.status === 'present' || kept?.status === 'default';
      assert.equal(status, isComputed ? 'stale' : kept?.status, name);
    } else {
      expectValue(name, oracle.value, `${status} at ${response.position.commit}`);
      assert.equal(status === 'stale' ? 'present' : status, oracle.status, name);
    }
  }
}

function viewOf(world: FaultWorld, service: string, name: string): string {
  return world.serviceNamed(service).features.find((one) => one.name === name)?.view ?? '';
}

function defaultOf(world: FaultWorld, service: string, name: string): Scalar {
  const plan = world.serviceNamed(service);
  const onDemand = plan.onDemand.find((one) => one.name === name);
  if (onDemand !== undefined) return scalarOfLiteral(onDemand.type, onDemand.default);
  const output = plan.features.find((one) => one.name === name);
  const view = world.engine.plan.views.find((one) => one.name === output?.view);
  const feature = view?.features.find((one) => one.name === output?.feature);
  assert.ok(feature !== undefined);
  return scalarOfLiteral(feature.type, feature.default);
}
