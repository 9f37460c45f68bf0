import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ACTIONS, decide } from './policy.ts';
import { type Grant, LOCAL_USER, NOBODY, type Principal, ROLES, type Role } from './principal.ts';

const NAMESPACES = ['fraud', 'shop', 'default', 'zzz'];

const roleOf = fc.constantFrom<Role[]>(...ROLES);
const grantOf: fc.Arbitrary<Grant> = fc.record({
  namespace: fc.constantFrom(...NAMESPACES, '*'),
  role: roleOf,
});
const principalOf: fc.Arbitrary<Principal> = fc.record({
  id: fc.constant('key:x'),
  kind: fc.constant('key' as const),
  grants: fc.array(grantOf, { maxLength: 4 }),
  labels: fc.subarray(['pii', 'money']),
});

/** What the documentation says, as slowly as can be. */
function naive(
  principal: Principal,
  action: string,
  namespaces: readonly string[],
  labels: readonly string[],
): boolean {
  const rule = Object.entries(ACTIONS).find(([name]) => name === action)?.[1];
  if (rule === undefined) return false;
  const enough = ROLES.slice(ROLES.indexOf(rule.role));
  const held = (namespace: string): boolean =>
    principal.grants.some((one) => {
      const reachesIt = one.namespace === namespace || one.namespace === '*';
      return reachesIt && enough.includes(one.role);
    });
  const everywhere = principal.grants.some(
    (one) => one.namespace === '*' && enough.includes(one.role),
  );
  const placed = {
    named: namespaces.length > 0 && namespaces.every(held),
    everywhere,
    somewhere: principal.grants.some((one) => enough.includes(one.role)),
  }[rule.where];
  return placed && labels.every((label) => principal.labels.includes(label));
}

test('every action of the table, for every grant and namespace, is as a naive reading says', () => {
  const actions = [...Object.keys(ACTIONS), 'no.such.action', 'toString', '__proto__'];
  let allowed = 0;
  for (const action of actions) {
    for (const role of ROLES) {
      for (const granted of [...NAMESPACES, '*']) {
        for (const asked of NAMESPACES) {
          const principal: Principal = {
            id: 'key:x',
            kind: 'key',
            grants: [{ namespace: granted, role }],
            labels: [],
          };
          const decision = decide(principal, action, { namespaces: [asked] });
          const expected = naive(principal, action, [asked], []);
          assert.equal(decision.allowed, expected, `${action} ${role} ${granted} ${asked}`);
          if (decision.allowed) allowed += 1;
        }
      }
    }
  }
  assert.ok(allowed > 1000, String(allowed));
});

test('several namespaces must each allow it, and so must every label', () => {
  fc.assert(
    fc.property(
      principalOf,
      fc.constantFrom(...Object.keys(ACTIONS)),
      fc.uniqueArray(fc.constantFrom(...NAMESPACES)),
      fc.subarray(['pii', 'money']),
      (principal, action, namespaces, labels) => {
        const needed = labels.map((label) => ({ label, of: 'x.y' }));
        const decision = decide(principal, action, { namespaces, needed });
        assert.equal(decision.allowed, naive(principal, action, namespaces, labels));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a refusal teaches nothing exactly where one of the names may not be read', () => {
  fc.assert(
    fc.property(
      principalOf,
      fc.uniqueArray(fc.constantFrom(...NAMESPACES), { minLength: 1 }),
      (principal, namespaces) => {
        const decision = decide(principal, 'definitions.apply', { namespaces });
        if (decision.allowed) return;
        const unread = namespaces.some((one) => !naive(principal, 'features.read', [one], []));
        assert.equal(decision.learnsNothing, unread);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('nobody may do anything, and the local user everything', () => {
  for (const action of Object.keys(ACTIONS)) {
    const resource = { namespaces: ['fraud'], needed: [{ label: 'pii', of: 'x' }] };
    assert.equal(decide(NOBODY, action, resource).allowed, false, action);
    assert.equal(decide(LOCAL_USER, action, resource).allowed, true, action);
  }
});
