import type { Lane } from '../aggregate/spec.ts';
import { assert, present } from '../base/assert.ts';
import { type Faults, newFaults } from '../expr/faults.ts';
import type { TileGroupPlan } from '../plan/plan.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { Spread } from '../store/spread.ts';
import type { TileGroup } from '../store/tile-group.ts';
import { ExpressionTable } from './expression-table.ts';
import { HotKeys } from './hot-keys.ts';
import { KeyResolver } from './key-resolver.ts';
import { compileLane, keepTrue, type LaneMaker } from './lane.ts';
import type { StreamMetrics } from './metrics.ts';
import { SettledArrivals } from './settled-arrivals.ts';
import { SPLIT_BY_SHARE, type Splitting } from './split-rule.ts';

export interface GroupToFeed {
  readonly plan: TileGroupPlan;
  readonly group: TileGroup;
  /** Absent or null where keys are never split. */
  readonly spread?: Spread | null;
  /** What the group holds already: batches up to this commit are not added again. */
  readonly after?: number;
}

interface FedGroup {
  readonly after: number;
  readonly group: TileGroup;
  readonly spread: Spread | null;
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
  /** By entity and key columns: keys of two entities are numbered apart. */
  readonly #resolvers = new Map<string, KeyResolver>();
  readonly #columnNames = new Map<KeyResolver, string>();
  readonly #groups: FedGroup[];
  readonly #schema: SourceSchema;
  readonly #arrivals: SettledArrivals;
  readonly #hotKeys = new Map<KeyResolver, HotKeys>();
  #rows = new Int32Array(0);
  #further = new Int32Array(0);
  #pass = new Uint8Array(0);

  /**
   * With `splitting` null no key is looked for, and none is split.
   * @param isImporting sessions that are over are kept until `endImport`
   */
  constructor(
    schema: SourceSchema,
    groups: readonly GroupToFeed[],
    splitting: Splitting | null = SPLIT_BY_SHARE,
    isImporting = false,
  ) {
    this.#schema = schema;
    this.#arrivals = new SettledArrivals(schema, isImporting);
    this.#expressions = new ExpressionTable(schema, this.faults);
    this.#groups = groups.map((each) => this.#compile(each));
    if (splitting === null) return;
    for (const resolver of this.#resolvers.values()) {
      const fed = this.#groups.filter(({ keys }) => keys === resolver);
      const spreads = fed.flatMap(({ spread }) => spread ?? []);
      const [first] = fed;
      if (first === undefined) continue;
      this.#hotKeys.set(resolver, new HotKeys(first.group.keys, spreads, splitting));
    }
  }

  /** Whether what an import can still join is kept. */
  get isImporting(): boolean {
    return this.#arrivals.isOpen;
  }

  endImport(): void {
    this.#arrivals.isOpen = false;
  }

  /** By the names of the key columns. */
  get hotKeys(): ReadonlyMap<string, HotKeys> {
    const entries = [...this.#columnNames].flatMap(([resolver, names]) => {
      const hotKeys = this.#hotKeys.get(resolver);
      return hotKeys === undefined ? [] : [[names, hotKeys] as const];
    });
    return new Map(entries);
  }

  /** Between batches: splits keys that have become hot, and merges back those that no longer are. */
  balance(isSaving: boolean): void {
    for (const hotKeys of this.#hotKeys.values()) hotKeys.balance(isSaving);
  }

  /** Hands over what has been counted since the last time. */
  report(metrics: StreamMetrics): void {
    metrics.keylessEvents += this.keylessEvents;
    metrics.overflow += this.faults.overflow;
    metrics.divisionByZero += this.faults.divisionByZero;
    this.keylessEvents = 0;
    this.faults.overflow = 0;
    this.faults.divisionByZero = 0;
  }

  /** Applies a batch to every group; synchronous, so no reader sees half of it. */
  apply(batch: EventBatch): void {
    if (this.#groups.length === 0) return;
    if (this.#rows.length < batch.count) {
      this.#rows = new Int32Array(batch.count);
      this.#further = new Int32Array(batch.count);
      this.#pass = new Uint8Array(batch.count);
    }
    this.#expressions.start(batch.columns, batch.count);
    const lanes = this.#laneMakers.map((make) => make(batch.count));
    const ids = new Map<KeyResolver, Int32Array>();
    for (const resolver of this.#resolvers.values()) ids.set(resolver, resolver.resolve(batch));
    const settledMs = this.#arrivals.observe(batch);
    for (const fed of this.#groups) {
      if (batch.commit <= fed.after) continue;
      const keyIds = present(ids.get(fed.keys), 'the keys of a group are resolved');
      this.#placeRows(fed, keyIds, batch.count);
      const input = {
        count: batch.count,
        partition: batch.partition,
        firstOffset: batch.firstOffset,
        eventTimeMs: batch.eventTimeMs,
        arrivalTimeMs: batch.arrivalTimeMs,
        lanes: fed.lanes.map((slot) => lanes[slot] as Lane),
        retractions: batch.retractions ?? null,
        settledMs,
      };
      const isSpread = this.#divert(fed, keyIds, batch);
      fed.group.table.add(input, this.#rows);
      if (isSpread) fed.spread?.further.table.add(input, this.#further);
      this.keylessEvents += fed.keys.keyless;
    }
    for (const [resolver, hotKeys] of this.#hotKeys) {
      hotKeys.observe(present(ids.get(resolver), 'its keys are resolved'), batch.count);
    }
    for (const resolver of this.#resolvers.values()) resolver.release();
  }

  /** Events of split keys go to the rows of all their origins in turn. */
  #divert({ spread }: FedGroup, ids: Int32Array, batch: EventBatch): boolean {
    if (spread === null || spread.size === 0) return false;
    const salt = batch.partition + batch.firstOffset;
    return spread.divert({
      count: batch.count,
      salt,
      ids,
      own: this.#rows,
      further: this.#further,
    });
  }

  #compile({ plan, group, spread = null, after = 0 }: GroupToFeed): FedGroup {
    return {
      after,
      group,
      spread,
      filter: plan.filter === null ? -1 : this.#expressions.add(plan.filter),
      lanes: plan.lanes.map((lane) => {
        const { measure, filter, quantizeScale, nullable = false } = lane;
        const text = JSON.stringify([measure, filter, quantizeScale, nullable]);
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
    const names = plan.keyColumns.join(',');
    const text = `${plan.entity} ${names}`;
    let resolver = this.#resolvers.get(text);
    if (resolver === undefined) {
      const columns = plan.keyColumns.map((name) => {
        const at = this.#schema.columns.findIndex((column) => column.name === name);
        assert(at >= 0, `the plan's key column '${name}' exists`);
        return at;
      });
      resolver = new KeyResolver(group.keys, columns);
      this.#resolvers.set(text, resolver);
      this.#columnNames.set(resolver, names);
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
    const isFollowed = group.follower !== null;
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
      if (flags[row] === 0 || isFollowed) group.markChanged(row);
    }
  }
}
