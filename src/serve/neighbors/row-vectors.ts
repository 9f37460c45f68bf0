import { compileFinish, type Finish } from '../../aggregate/finish.ts';
import { assert, present } from '../../base/assert.ts';
import type { AggregateFeaturePlan, EntityPlan, ProjectPlan, ViewPlan } from '../../plan/plan.ts';
import type { VectorType } from '../../schema/packed-vector.ts';
import type { OnlineStore } from '../../store/online-store.ts';
import { TileGroup } from '../../store/tile-group.ts';

/** Reads one feature that is a vector out of the rows of its tile group. */
export class RowVectors {
  readonly type: VectorType;
  readonly group: TileGroup;
  readonly entity: EntityPlan;
  readonly #windows: readonly number[];
  readonly #finish: Finish;
  readonly #finishMerged: Finish;

  private constructor(feature: AggregateFeaturePlan, group: TileGroup, entity: EntityPlan) {
    assert(feature.type.kind === 'vector', 'neighbors are of vectors');
    this.type = feature.type;
    this.group = group;
    this.entity = entity;
    this.#windows = [feature.window];
    this.#finish = compileFinish(feature, group.table);
    this.#finishMerged = compileFinish(feature, group.origins?.merged ?? group.table);
  }

  /** Null where the rows lie in another process. */
  static open(
    plan: ProjectPlan,
    view: ViewPlan,
    name: string,
    store: OnlineStore,
  ): RowVectors | null {
    const feature = view.features.find((one) => one.name === name);
    assert(feature?.kind === 'aggregate', 'a vector is a feature of rows');
    const group = store.group(feature.group);
    if (!(group instanceof TileGroup)) return null;
    const entity = plan.entities.find((one) => one.name === view.entity);
    return new RowVectors(feature, group, present(entity, 'the entity of a view'));
  }

  /** Null where there is none at this time. */
  at(key: string, row: number, timeMs: number): Float32Array | null {
    if (row < 0) return null;
    const { table, origins } = this.group;
    const isMerged = origins?.query(key, row, timeMs, this.#windows) ?? false;
    if (!isMerged) table.query(row, timeMs, this.#windows);
    const value = isMerged ? this.#finishMerged() : this.#finish();
    return Array.isArray(value) ? Float32Array.from(value as readonly number[]) : null;
  }

  of(key: string, timeMs: number): Float32Array | null {
    return this.at(key, this.group.find(key), timeMs);
  }
}
