import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { NeighborPlan } from '../../plan/neighbor-form.ts';
import type { ProjectPlan, ViewPlan } from '../../plan/plan.ts';
import type { OnlineStore } from '../../store/online-store.ts';
import { FollowedIndex, type IsOver } from './followed-index.ts';
import { RecallSample } from './live-recall.ts';
import { RowVectors } from './row-vectors.ts';

/** What an index says of itself, for metrics. */
export interface NeighborStatus {
  readonly view: string;
  readonly version: number;
  readonly feature: string;
  readonly vectors: number;
  /** Vectors for which there was no room. */
  readonly left: number;
  readonly bytes: number;
  readonly isExact: boolean;
  /** What it contains all of; -1 while it is built. */
  readonly commit: number;
  readonly searches: number;
  /** Of the searches that were done again exactly: nearest wanted, and of these found. */
  readonly sampled: number;
  readonly recalled: number;
}

/** An index with what is declared of it. */
export interface NeighborIndex extends NeighborPlan {
  readonly view: ViewPlan;
  readonly followed: FollowedIndex;
}

interface Kept extends NeighborIndex {
  searches: number;
  sampled: number;
  recalled: number;
}

/**
 * The indexes of all views that declare neighbors. They hold what can be found and nothing that is
 * answered: every answer is read from the rows.
 */
export class Neighbors {
  #indexes: Kept[] = [];
  #store: OnlineStore | null = null;
  #isElsewhere = false;
  #turn = 0;
  #sample: { readonly of: Kept; readonly sample: RecallSample } | null = null;

  /** Builds indexes over another state, from nothing, bit by bit. */
  use(plan: ProjectPlan, store: OnlineStore): void {
    this.#store = store;
    this.#sample = null;
    this.#isElsewhere = false;
    this.#indexes = [];
    for (const view of plan.views) {
      for (const declared of view.neighbors ?? []) {
        const vectors = RowVectors.open(plan, view, declared.feature, store);
        if (vectors === null) {
          this.#isElsewhere = true;
          continue;
        }
        const followed = new FollowedIndex(vectors, declared.metric);
        this.#indexes.push({ ...declared, view, followed, searches: 0, sampled: 0, recalled: 0 });
      }
    }
  }

  /** Whether some index has not been through all rows yet. */
  get isBuilding(): boolean {
    return this.#indexes.some(({ followed }) => !followed.isBuilt);
  }

  /** Works on what has changed until `isOver`. */
  tick(isOver: IsOver, nowMs: number): void {
    const store = this.#store;
    const { length } = this.#indexes;
    if (store === null || length === 0) return;
    const { commit } = store.applied;
    for (let n = 0; n < length && !isOver(); n++) {
      const index = this.#indexes[this.#turn % length];
      if (index?.followed.step(isOver, commit, nowMs) === false) break;
      this.#turn += 1;
    }
    this.#goOnSampling(isOver, nowMs);
  }

  /** @throws AsofError `not_supported`, `unknown_feature` */
  find(view: string, version: number, feature: string): NeighborIndex {
    const found = this.#indexes.find(
      (one) => one.view.name === view && one.view.version === version && one.feature === feature,
    );
    if (found !== undefined) return found;
    if (this.#isElsewhere) {
      const message =
        'Neighbors are found by the process that has the state, which this one has not.';
      throw new AsofError('not_supported', message, { remedy: 'Ask the primary server.' });
    }
    const declared = this.#indexes
      .filter((one) => one.view.name === view)
      .map((one) => one.feature);
    const message = `The view '${view}@${version}' declares no neighbors of '${feature}'.`;
    throw new AsofError('unknown_feature', message + didYouMean(feature, declared), {
      path: 'feature',
      remedy: `Declare it with the view: neighbors: { ${feature}: 'cosine' }.`,
    });
  }

  /** Takes note of a search without a filter; one in so many is done again, exactly. */
  searched(index: NeighborIndex, query: Float32Array, found: readonly string[]): void {
    const kept = this.#indexes.find((one) => one.followed === index.followed);
    if (kept === undefined) return;
    kept.searches += 1;
    const { followed, metric } = kept;
    if (this.#sample !== null || followed.index.isExact) return;
    if (kept.searches % LIMITS.neighborSampling !== 1) return;
    if (followed.vectors.group.coldRows > 0 || followed.left > 0) return;
    this.#sample = { of: kept, sample: new RecallSample(followed, metric, query, found) };
  }

  status(): NeighborStatus[] {
    return this.#indexes.map(({ view, feature, followed, searches, sampled, recalled }) => ({
      view: view.name,
      version: view.version,
      feature,
      vectors: followed.index.count,
      left: followed.left,
      bytes: followed.index.bytes,
      isExact: followed.index.isExact,
      commit: followed.commit,
      searches,
      sampled,
      recalled,
    }));
  }

  #goOnSampling(isOver: IsOver, nowMs: number): void {
    if (this.#sample === null) return;
    const { of, sample } = this.#sample;
    const result = sample.step(isOver, nowMs);
    if (result === null) return;
    of.sampled += result.wanted;
    of.recalled += result.hits;
    this.#sample = null;
  }
}
