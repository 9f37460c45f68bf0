import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileProject } from '../plan/compile.ts';
import { RestrictedParts } from '../plan/restricted-parts.ts';
import { lateFlight, originDelays } from '../plan/sample-project.fixture.ts';
import type { Principal } from '../registry/access/principal.ts';
import { Viewer } from '../registry/access/viewer.ts';
import type { PlatformStatus } from './status.ts';
import { visibleStatus } from './visible-status.ts';

const plan = compileProject([lateFlight, originDelays]);
const [service] = plan.services;
const [feature] = service?.features ?? [];
assert.ok(service && feature);
const failed = {
  ...{ service: service.name, name: 'judge', version: 1, calls: 3, errors: 1, timeouts: 0 },
  ...{ lastFailure: 'Error: a fare of 4711', isLeftAlone: false },
};
const status = {
  sources: [],
  functions: { functions: [failed], cacheHits: 0, shared: 0, cached: 0, processesEnded: 0 },
} as unknown as PlatformStatus;

function shownTo(labels: readonly string[], isRestricted: boolean): string | null | undefined {
  const part = { definition: feature?.view ?? '', part: feature?.feature ?? '' };
  const rules = isRestricted ? [{ kind: 'feature', ...part, label: 'pii' } as const] : [];
  const grants = [{ namespace: '*', role: 'reader' }] as const;
  const principal: Principal = { id: 'key:jo', kind: 'key', labels, grants };
  const shown = visibleStatus(status, new Viewer(principal), new RestrictedParts(plan, rules));
  return shown.functions?.functions[0]?.lastFailure;
}

test('why a function failed is told to those who may see what its service reads', () => {
  assert.equal(shownTo([], false), failed.lastFailure);
  assert.equal(shownTo(['pii'], true), failed.lastFailure);
  assert.equal(shownTo([], true), null);
});
