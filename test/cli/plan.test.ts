import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './project.ts';

test('a plan lists what is new, who shares what, and what the state can take', async (t) => {
  const project = Project.create(t);
  project.write(
    'features.ts',
    `import { countDistinct, entity, histogram, session, sliding, stream, string, timestamp, topK, view } from 'asof';
const clicks = stream('clicks', { columns: { user: string(), page: string(), at: timestamp() }, eventTime: 'at' });
const user = entity('user', { keys: { user: string() } });
const shape = { version: 1, source: clicks, entity: user, key: { user: 'user' } } as const;
export const pages = view('pages', {
  ...shape,
  state: { keys: 1_000_000, budget: '1GB', atLimit: 'stop' },
  features: (click) => ({
    top_1d: topK(click.page, 3).over(sliding('1d')),
    pages_1h: histogram(click.page).over(sliding('1h')),
  }),
});
export const visits = view('visits', {
  ...shape,
  features: (click) => ({ places: countDistinct(click.page).over(session('30m')) }),
});
`,
  );
  const text = await project.run(['plan']);
  assert.equal(text.code, 3, text.stderr);
  const lines = text.stdout.split('\n').map((line) => line.replace(/ +/g, ' ').trim());
  for (const line of [
    '+ view pages@1',
    'feature top_1d: list(string) = top_k(page, 3) over sliding 1d (hop 15m)',
    'clicks by user: finest tiles of 1m',
    'measure page shared by 2: pages@1.pages_1h, pages@1.top_1d',
    'keeps value_counts(page, 1000) shared by 2: pages@1.pages_1h, pages@1.top_1d',
    'window sliding 1h (hop 1m) for pages@1.pages_1h',
    'clicks by user: one tile for each session',
    'window session (gap 30m) for visits@1.places',
  ]) {
    assert.ok(lines.includes(line), `no line '${line}' in:\n${text.stdout}`);
  }
  assert.match(text.stdout, /pages@1 .* 1 000 000 keys .* of 1 GB, then stop\n/);
  assert.match(text.stdout, /pages@1: its .* may exceed its budget of 1 GB\n/);
  assert.match(text.stdout, /visits@1: a million keys may take .*; declare state: \{ keys \}/);
  const { result } = await project.json(['plan']);
  const [tiles] = result.groups.filter(({ tileMs }: { tileMs: number | null }) => tileMs !== null);
  assert.deepEqual(tiles.lanes, [
    { text: 'page', features: ['pages@1.pages_1h', 'pages@1.top_1d'] },
  ]);
  const estimates = result.state.views as Record<'view' | 'bytesMax' | 'bytesTypical', unknown>[];
  const pages = estimates.find(({ view }) => view === 'pages');
  assert.ok(Number(pages?.bytesMax) > 1_000_000 * tiles.bytesPerKeyMax);
  assert.equal(pages?.bytesTypical, 1_000_000 * tiles.bytesPerKeyTypical);
  assert.ok(tiles.bytesPerKeyMax > tiles.tilesPerKeyMax * tiles.bytesPerTileMax);
  assert.equal(result.state.bytesMax, null, 'the keys of one group are not known');
});
