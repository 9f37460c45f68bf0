import { REQUIRED } from './coverage.ts';
import { runCase } from './run-case.ts';
import { ENGINES, type Engine, Tally } from './tally.ts';
import { openWorkspace } from './workspace.ts';

const [n, s] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 1)];
const engines = new Set<Engine>((process.argv[4]?.split(',') as Engine[] | undefined) ?? ENGINES);
const ws = await openWorkspace();
const tally = new Tally();
const t0 = performance.now();
for (let seed = s; seed < s + n; seed++) {
  try { await runCase(seed, engines, ws, tally); } catch (e) { console.log('seed', seed, 'FAILED', (e as Error).stack?.slice(0, 900)); }
  for (const m of tally.takeMismatches()) console.log('seed', seed, m);
}
console.log(tally.comparisons, tally.mismatchCount, (performance.now() - t0) / n, 'ms a case');
console.log([...tally.covered].sort().map(([k, v]) => `${k} ${v}`).join('; '));
console.log('missing', REQUIRED.filter((r) => !tally.covered.has(r)));
ws.close();
