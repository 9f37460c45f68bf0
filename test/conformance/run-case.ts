import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { runBackfill } from './backfill-path.ts';
import { checkPlan } from './check-plan.ts';
import { coverPlan } from './coverage.ts';
import { generateDefinitions } from './generate-definitions.ts';
import { generatePushes } from './generate-events.ts';
import { PROTOCOLS, runHttp } from './http-path.ts';
import { runImport } from './import-path.ts';
import { runKernel } from './kernel-path.ts';
import { openHistory } from './offline.ts';
import { runRebuild } from './rebuild-path.ts';
import { runReplay } from './replay-path.ts';
import { runStream, type StreamRun } from './stream-path.ts';
import { runTables } from './tables-path.ts';
import { ENGINES, type Engine, type Tally } from './tally.ts';
import { runTiles } from './tiles-path.ts';
import { runTrain } from './train-path.ts';
import type { Workspace } from './workspace.ts';

/** One random project and its events through every path that is asked for. */
export async function runCase(
  seed: number,
  engines: ReadonlySet<Engine>,
  workspace: Workspace,
  tally: Tally,
): Promise<void> {
  const folder = join(workspace.folder, `case-${seed}`);
  mkdirSync(folder, { recursive: true });
  try {
    const random = seededRandom(seed);
    const definitions = generateDefinitions(random);
    const whole = compileProject(definitions.whole);
    const first = compileProject(definitions.first);
    checkPlan(definitions.whole, whole);
    checkPlan(definitions.first, first);
    coverPlan(tally, whole);
    const pushes = generatePushes(random, whole.sources);
    // Each path has its own dice: leaving one out does not change what the others meet.
    const diceOf = (path: number): Random => seededRandom(Math.imul(seed, 1_000_003) + path);
    const isOn = (engine: Engine): boolean => isPlayed(engine, seed, engines);
    const stateFolder = join(folder, 'state');
    const run = await tally.time('stream', () =>
      runStream(tally, { random: diceOf(1), whole, first, pushes, stateFolder }),
    );
    try {
      if (isOn('kernel')) {
        const { oracle, platform } = run;
        await tally.time('kernel', () => runKernel(tally, diceOf(2), oracle, platform.batches));
      }
      await runOffline(tally, diceOf, isOn, run, folder, workspace, first);
    } finally {
      await run.platform.end('kill');
      if (run.platform.keysEvicted > 0) tally.cover('keys given up');
      if (run.platform.keysSplit > 0) tally.cover('keys split');
      if (run.platform.keysMerged > 0) tally.cover('keys merged back');
    }
    if (isOn('tables')) {
      const tables = { random: diceOf(10), session: workspace.session, folder };
      await tally.time('tables', () => runTables(tally, tables));
    }
    const protocols = PROTOCOLS.filter(isOn);
    if (isOn('http') || protocols.length > 0) {
      const httpFolder = join(folder, 'http-state');
      const http = {
        ...{ random: diceOf(5), plan: whole, pushes, protocols },
        stateFolder: httpFolder,
      };
      await tally.time('http', () => runHttp(tally, http));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths that cost much leave out every so many cases, each others. */
const LEFT_OUT: Readonly<Partial<Record<Engine, { readonly of: number; readonly at: number }>>> = {
  http: { of: 2, at: 1 },
  connect: { of: 2, at: 1 },
  grpc: { of: 2, at: 1 },
  arrow: { of: 2, at: 1 },
  feast: { of: 2, at: 1 },
  backfill: { of: 3, at: 0 },
  replay: { of: 3, at: 1 },
  train: { of: 3, at: 2 },
};

/** Those that cost the most are played every so many cases only. */
const PLAYED: Readonly<Partial<Record<Engine, { readonly of: number; readonly at: number }>>> = {
  tiles: { of: 4, at: 0 },
  import: { of: 3, at: 1 },
  tables: { of: 6, at: 2 },
  rebuild: { of: 6, at: 5 },
};

/** A run of all paths leaves out some; a path that is asked for specially is always played. */
function isPlayed(engine: Engine, seed: number, engines: ReadonlySet<Engine>): boolean {
  const out = LEFT_OUT[engine];
  const only = PLAYED[engine];
  const isLeftOut =
    (out !== undefined && seed % out.of === out.at) ||
    (only !== undefined && seed % only.of !== only.at);
  return engines.has(engine) && (engines.size < ENGINES.length || !isLeftOut);
}

/** What reads the archive: it is made once for all of them. */
async function runOffline(
  tally: Tally,
  diceOf: (path: number) => Random,
  isOn: (engine: Engine) => boolean,
  run: StreamRun,
  folder: string,
  { session }: Workspace,
  first: ProjectPlan,
): Promise<void> {
  const { platform, oracle, clock } = run;
  if (isOn('backfill')) {
    await tally.time('backfill', () => runBackfill(tally, diceOf(3), oracle, platform, folder));
  }
  if (isOn('replay')) {
    const history = await openHistory(platform, folder);
    await tally.time('replay', () =>
      runReplay(tally, diceOf(4), oracle, history, session, run.answers),
    );
  }
  if (isOn('train')) {
    const random = diceOf(6);
    const last = platform.log.lastCommit;
    const through = random.below(3) === 0 ? random.below(last + 1) : last;
    const history = await openHistory(platform, folder, through);
    const train = { random, oracle, history, session, clock, folder };
    await tally.time('train', () => runTrain(tally, { engine: 'train', ...train }));
  }
  if (isOn('tiles')) {
    const random = diceOf(7);
    const tiles = { random, oracle, platform, session, dataDir: folder, nowMs: clock.nowMs() };
    await tally.time('tiles', () => runTiles(tally, tiles));
  }
  if (isOn('import')) {
    const { plan } = oracle;
    const imported = { random: diceOf(8), plan, events: platform.events, session, folder };
    await tally.time('import', () => runImport(tally, imported));
  }
  if (isOn('rebuild')) {
    const { batches } = platform;
    const rebuilt = {
      random: diceOf(9),
      oracle,
      other: { ...first, services: [] },
      batches,
      session,
      folder,
    };
    await tally.time('rebuild', () => runRebuild(tally, rebuilt));
  }
}
