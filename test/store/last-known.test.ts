import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../src/base/errors.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { ReplicaStore } from '../../src/store/replica-store.ts';
import type { RowKey, RowStore } from '../../src/store/row-store.ts';
import { DEFINITIONS } from '../serving/world.ts';

const { groups } = compileProject(DEFINITIONS);
const [one, two] = groups.map(({ id }) => id);
assert.ok(one !== undefined && two !== undefined);

/** A store of a commit, in which no key has a row; null: it is away. */
class EmptyRows {
  commit: number | null = 1;

  read(keys: readonly RowKey[]) {
    if (this.commit === null) throw new AsofError('store_unavailable', 'It is away.');
    const position = { commit: this.commit, newestArrivalMs: this.commit, sources: {} };
    const head = { commit: this.commit, position, groups: groups.map(({ id }) => id) };
    return { head, rows: keys.map(() => null) };
  }
}

async function lastKnownOf(
  reads: readonly (readonly [commit: number, groups: readonly string[]])[],
  together: readonly (readonly string[])[],
): Promise<Record<string, number>> {
  const rows = new EmptyRows();
  const replica = new ReplicaStore(rows as unknown as RowStore, groups, 100, () => 0);
  const fetch = async (wanted: readonly string[]) => {
    const keys = wanted.map((group) => ({ group, key: 'k' }));
    const options = { deadlineMs: Number.POSITIVE_INFINITY, lastKnownMs: 1_000, together };
    const fetched = await replica.fetch(keys, options);
    fetched.bind();
    return fetched;
  };
  for (const [commit, wanted] of reads) {
    rows.commit = commit;
    await fetch(wanted);
  }
  rows.commit = null;
  const { lastKnown } = await fetch([one ?? '', two ?? '']);
  return Object.fromEntries([...lastKnown].map(([id, { commit }]) => [id, commit]));
}

test('no view is answered from kept rows of two commits', async () => {
  const apart = [
    [5, [one]],
    [9, [two]],
  ] as const;
  assert.deepEqual(await lastKnownOf(apart, []), { [one]: 5, [two]: 9 });
  assert.deepEqual(await lastKnownOf(apart, [[one, two]]), {});
  const beside = [...apart, [9, [one, two]]] as const;
  assert.deepEqual(await lastKnownOf(beside, [[one, two]]), { [one]: 9, [two]: 9 });
});
