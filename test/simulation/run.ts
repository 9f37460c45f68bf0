import { type Random, seededRandom } from '../../src/base/random.ts';
import type { DefinitionNode } from '../../src/define/node.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { generateDefinitions } from '../conformance/generate-definitions.ts';
import { generatePushes, type Push } from '../conformance/generate-events.ts';
import { withPicks } from '../conformance/generate-on-demand.ts';
import type { Defect } from './defects.ts';
import type { RunResult } from './run-result.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

/** Of so many runs one has nothing but failing disks, networks and clocks. */
const PLAIN_EVERY = 3;
const START_MS = 1_700_000_000_000;
/** Far beyond the numbers of other events. */
const FED_NR = 900_000;
const NO_FEED = { source: '', hasChanges: false, lanes: [] };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** One run: everything in it follows from the seed. */
export function simulate(
  seed: number,
  defect: Defect = {},
  tell: (line: string) => void = () => {},
): Promise<RunResult> {
  const random = seededRandom(seed);
  const definitions = generateDefinitions(random);
  const whole = compileProject(definitions.whole);
  const first = compileProject(definitions.first);
  const pushes = pushesOf(random, whole);
  const isStrained = seed % PLAIN_EVERY > 0;
  const parts = partsOf(definitions.whole);
  const fed = isStrained ? fedOf(random, whole) : NO_FEED;
  return new Simulation({
    seed,
    random,
    whole,
    first,
    parts,
    pushes,
    fed,
    isStrained,
    defect,
    tell,
  }).run();
}

/** The project without some of its views, and without the sources that no other view reads. */
function partsOf(whole: readonly DefinitionNode[]): ProjectPlan[] {
  const parts: ProjectPlan[] = [];
  for (const service of whole) {
    if (service.kind !== 'service') continue;
    for (const pick of service.picks) {
      const some = service.picks.filter((one) => one === pick);
      const others = service.picks.filter((one) => one !== pick);
      for (const picks of [some, others]) {
        if (picks.length > 0) parts.push(compileProject([withPicks(service, picks)]));
      }
    }
  }
  return parts;
}

/** Several spells of events, with gaps of minutes to days between them. */
function pushesOf(random: Random, { sources }: ProjectPlan): Push[] {
  const pushes: Push[] = [];
  let nowMs = START_MS + random.below(DAY_MS);
  const isHot = random.below(4) === 0;
  for (let spell = 1 + random.below(4); spell > 0; spell--) {
    const start = { nowMs, nr: 1_000 * spell };
    pushes.push(...generatePushes(random, sources, start).map((push) => heat(push, isHot)));
    const last = pushes.at(-1)?.nowMs ?? nowMs;
    nowMs = last + random.below(random.pick([10 * MINUTE_MS, DAY_MS, 10 * DAY_MS]));
  }
  return pushes;
}

/** Rows that a connector reads, each push a lane of its own; no sender has them. */
function fedOf(random: Random, { sources }: ProjectPlan): SimulationOptions['fed'] {
  const source = random.pick(sources);
  const nowMs = START_MS + random.below(DAY_MS);
  const pushes = generatePushes(random, [source], { nowMs, nr: FED_NR });
  const hasChanges = source.changes !== null && source.changes !== undefined;
  return { source: source.name, hasChanges, lanes: pushes.map(({ lines }) => lines) };
}

/** With a hot key most events are of one user and one shop. */
function heat(push: Push, isHot: boolean): Push {
  if (!isHot) return push;
  const lines = push.lines.map((line) =>
    line.replace(/"user":"[^"]*"/, '"user":"u1"').replace(/"shop":-?\d+/, '"shop":1'),
  );
  return { ...push, lines };
}
