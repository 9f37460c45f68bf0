import type { Lane } from '../aggregate/spec.ts';
import { assert, present } from '../base/assert.ts';
import { type Faults, newFaults } from '../expr/faults.ts';
import type { TileGroupPlan } from '../plan/plan.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { TileGroup } from '../store/tile-group.ts';
import { ExpressionTable } from './expression-table.ts';
import { KeyResolver } from './key-resolver.ts';
import { compileLane, keepTrue, type LaneMaker } from './lane.ts';
import { SettledArrivals } from './settled-arrivals.ts';

export interface GroupToFeed {
  readonly plan: TileGroupPlan;
  readonly group: TileGroup;
}

interface FedGroup {
  readonly group: TileGroup;
  /** Slot of the view's filter, or -1. */
  readonly filter: number;
  readonly lanes: readonly number[];
  readonly keys: KeyResolver;
}

/** Feeds the tile groups of one source: shared expressions, lanes and keys once a batch. */
export class SourceApplier {
  readonly faults: Faults = newFaults();
  /** Events that a group could not place, summed over groups. */
  keylessEvents = 0;
  readonly #expressions: ExpressionTable;
  readonly #laneMakers: LaneMaker[] = [];
  readonly #laneSlots = new Map<string, number>();
  readonly #resolvers = new Map<string, KeyResolver>();
  readonly #groups: FedGroup[];
  readonly #schema: SourceSchema;
  readonly #arrivals: SettledArrivals;
  #rows = new Int32Array(0);
  #pass = new Uint8Array(0);

  constructor(schema: SourceSchema, groups: readonly GroupToFeed[]) {
    this.#schema = schema;
    this.#arrivals = new SettledArrivals(schema);
    this.#expressions = new ExpressionTable(schema, this.faults);
    this.#groups = groups.map((each) => this.#compile(each));
  }

  /** Applies a batch to every group; synchronous, so no reader sees half of it. */
  apply(batch: EventBatch): void {
    if (this.#groups.length === 0) return;
    if (this.#rows.length < batch.count) {
      this.#rows = new Int32Array(batch.count);
      this.#pass = new Uint8Array(batch.count);
    }
    this.#expressions.start(batch.columns, batch.count);
    const lanes = this.#laneMakers.map((make) => make(batch.count));
    const ids = new Map<KeyResolver, Int32Array>();
    for (const resolver of this.#resolvers.values()) ids.set(resolver, resolver.resolve(batch));
    const settledMs = this.#arrivals.observe(batch);
    for (const fed of this.#groups) {
      const keyIds = present(ids.get(fed.keys), 'the keys of a group are resolved');
      this.#placeRows(fed, keyIds, batch.count);
      fed.group.table.add(
        {
          count: batch.count,
          partition: batch.partition,
          firstOffset: batch.firstOffset,
          eventTimeMs: batch.eventTimeMs,
          lanes: fed.lanes.map((slot) => lanes[slot] as Lane),
          retractions: batch.retractions ?? null,
          settledMs,
        },
        this.#rows,
      );
      this.keylessEvents += fed.keys.keyless;
    }
    for (const resolver of this.#resolvers.values()) resolver.release();
  }

  #compile({ plan, group }: GroupToFeed): FedGroup {
    return {
      group,
      filter: plan.filter === null ? -1 : this.#expressions.add(plan.filter),
      lanes: plan.lanes.map((lane) => {
        const text = JSON.stringify([lane.measure, lane.filter, lane.quantizeScale]);
        let slot = this.#laneSlots.get(text);
        if (slot === undefined) {
          slot = this.#laneMakers.length;
          this.#laneSlots.set(text, slot);
          this.#laneMakers.push(compileLane(lane, this.#expressions, this.faults));
        }
        return slot;
      }),
      keys: this.#resolverOf(plan, group),
    };
  }

  #resolverOf(plan: TileGroupPlan, group: TileGroup): KeyResolver {
    const text = plan.keyColumns.join(',');
    let resolver = this.#resolvers.get(text);
    if (resolver === undefined) {
      const columns = plan.keyColumns.map((name) => {
        const at = this.#schema.columns.findIndex((column) => column.name === name);
        assert(at >= 0, `the plan's key column '${name}' exists`);
        return at;
      });
      resolver = new KeyResolver(group.keys, columns);
      this.#resolvers.set(text, resolver);
    }
    return resolver;
  }

  /** Hot: each event's row in the group, created where it is new, -1 where it does not count. */
  #placeRows({ group, filter }: FedGroup, ids: Int32Array, count: number): void {
    const rows = this.#rows;
    const pass = this.#pass;
    if (filter >= 0) keepTrue(this.#expressions.column(filter), pass, count);
    const rowOfId = group.coverIds(group.keys.bound);
    let flags = group.changed.flags;
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id < 0 || (filter >= 0 && pass[i] === 0)) {
        rows[i] = -1;
        continue;
      }
      let row = rowOfId[id] as number;
      if (row < 0) {
        row = group.create(id);
        flags = group.changed.flags;
      }
      rows[i] = row;
      if (flags[row] === 0) group.markChanged(row);
    }
  }
}
