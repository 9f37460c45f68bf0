import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan, ViewPlan } from '../../src/plan/plan.ts';
import type { SplitChanges, Splitting } from '../../src/stream/split-rule.ts';
import type { ServerSettings } from './settings.ts';

/** What a run is put to beyond failing disks and networks; two runs out of three are. */
export interface Strain {
  /** Bytes that the state may take in memory; null for as much as it likes. */
  readonly memoryBytes: number | null;
  /** Events that may be unsaved; null for far more than there are. */
  readonly unsavedEvents: number | null;
  /** Null: by share of the events, which few keys of a small run reach. */
  readonly splitting: Splitting | null;
  readonly onStoreFailure: 'slow' | 'continue';
  /** Chance that an operation on the folder of the state begins a long failure of it. */
  readonly storeFailure: number;
  /** Time between two exchanges of the definitions; null for none. */
  readonly reloadEveryMs: number | null;
  /** Bytes that a view may take, and what happens there; null for views without a budget. */
  readonly budget: ViewPlan['state'] | null;
  readonly hasConnector: boolean;
}

export const NO_STRAIN: Strain = {
  memoryBytes: null,
  unsavedEvents: null,
  splitting: null,
  onStoreFailure: 'slow',
  storeFailure: 0,
  reloadEveryMs: null,
  budget: null,
  hasConnector: false,
};

const MINUTE_MS = 60_000;
/** What the maps of an empty group take; those of its further origins take as much. */
const EMPTY_BYTES = 12_000;

export function strainOf(
  random: Random,
  plan: ProjectPlan,
  { thresholds }: ServerSettings,
): Strain {
  const splitting = random.below(2) === 0 ? splitAtRandom(random) : null;
  const emptyBytes = EMPTY_BYTES * plan.groups.length * (splitting === null ? 1 : 2);
  const saves = thresholds.events < 1e6;
  const budgetBytes = EMPTY_BYTES + random.below(20_000);
  const atLimit = random.pick(['spill', 'stop'] as const);
  const budget = random.below(3) === 0 ? { keys: null, budgetBytes, atLimit } : null;
  return {
    memoryBytes: random.below(2) === 0 ? emptyBytes + random.below(8_000) : null,
    // Fewer than are saved at a time would be full for ever.
    unsavedEvents: saves && random.below(2) === 0 ? 2 * thresholds.events + 10 : null,
    splitting,
    onStoreFailure: random.pick(['slow', 'slow', 'continue']),
    storeFailure: random.pick([0, 0.01, 0.1]),
    reloadEveryMs: random.pick([null, 10 * MINUTE_MS, 300 * MINUTE_MS]),
    budget,
    // A connector waits for room for as long as it takes.
    hasConnector: budget?.atLimit !== 'stop' && random.below(2) === 0,
  };
}

/** Keys are split and put together again for no reason at all: no value may tell. */
function splitAtRandom(random: Random): Splitting {
  return {
    sampleEvery: 1,
    lookEvery: 1 + random.below(20),
    decide: ({ sketch, split }): SplitChanges => {
      const some = (ids: readonly number[]): number[] => ids.filter(() => random.below(3) === 0);
      const whole = sketch.above(0).map(({ id }) => id);
      return { split: some(whole.filter((id) => !split.has(id))), merge: some([...split]) };
    },
  };
}
