import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Platform } from '../../src/app/platform.ts';
import { configOf, jobOf, push, read, shopPlan } from './forget-world.ts';

const PERSON = 'customer-4711';
const OTHER = 'customer-12';

test('nobody who was forgotten is left in the copy of rows that others read', async (t) => {
  const plan = shopPlan();
  const alone = await configOf(t, plan);
  const path = join(alone.dataDir, 'online');
  const config = { ...alone, store: { kind: 'lmdb', path } as const };
  const platform = await Platform.start(config, plan);
  t.after(() => platform.stop());
  const { url } = platform;
  const at = Date.now() - 60_000;
  const rows = Array.from({ length: 40 }, (_, n) => {
    const user = n % 2 === 0 ? PERSON : OTHER;
    return { id: `p${n}`, op: 'c', user, merchant: 'm1', n, at: at + n };
  });
  await push(url, 'payments', rows);
  const bytes = (): Buffer => readFileSync(join(path, 'rows.mdb'));
  await until(() => bytes().includes(PERSON));
  const before = await read(url, 'users', [{ user: OTHER }]);
  const record = await platform.forgetting.run(jobOf([{ entity: 'user', values: [PERSON] }]));
  assert.deepEqual(record.scan.hits, []);
  assert.ok(!bytes().includes(PERSON));
  assert.ok(bytes().includes(OTHER));
  assert.deepEqual(await read(url, 'users', [{ user: OTHER }]), before);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}
