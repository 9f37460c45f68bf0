import { OVERFLOW } from '../aggregate/finish.ts';
import type { Faults } from '../expr/faults.ts';
import { encodeKey } from '../schema/key.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { Scalar } from '../schema/types.ts';
import type { DerivedRead, EntityRead, ReadPlan } from './read-plan.ts';

/** Statuses as the hot path holds them; the index is the code. */
export const STATUS_BY_CODE = [
  'present',
  'default',
  'error',
] as const satisfies readonly FeatureStatus[];
export const PRESENT = 0;
export const DEFAULT = 1;
export const ERROR = 2;

/** What one entity key reads as, kept while one request is answered. */
interface EntityValues {
  readonly values: readonly Scalar[];
  readonly statuses: Uint8Array;
}

/**
 * Reads rows of one service into slots. One request shares one t and one position, so a key that
 * comes again within it is not read again.
 */
export class RowReader {
  readonly plan: ReadPlan;
  /** The slots of the row read last; a new array each time, as young as the values it holds. */
  values: Scalar[] = [];
  readonly statuses: Uint8Array;
  readonly #faults: Faults;
  readonly #memos: Map<string, EntityValues>[];
  /** Table queries made: repeats within a request make none. */
  keysRead = 0;

  constructor(plan: ReadPlan, faults: Faults) {
    this.plan = plan;
    this.statuses = new Uint8Array(plan.slotCount);
    this.#faults = faults;
    this.#memos = plan.entities.map(() => new Map());
  }

  /** `memorize`: the request has several rows. Call `forget` before the first and after the last. */
  read(key: readonly Scalar[], timeMs: number, memorize: boolean): void {
    const { entities, slotCount } = this.plan;
    this.values = new Array<Scalar>(slotCount);
    for (let i = 0; i < entities.length; i++) {
      const entity = entities[i] as EntityRead;
      const text = entityKey(entity, key);
      if (memorize)
        this.#readOnce(entity, text, timeMs, this.#memos[i] as Map<string, EntityValues>);
      else this.#readEntity(entity, text, timeMs);
    }
  }

  forget(): void {
    for (const memo of this.#memos) if (memo.size > 0) memo.clear();
  }

  #readOnce(
    entity: EntityRead,
    text: string,
    timeMs: number,
    memo: Map<string, EntityValues>,
  ): void {
    const { fromSlot, toSlot } = entity;
    const known = memo.get(text);
    if (known === undefined) {
      this.#readEntity(entity, text, timeMs);
      memo.set(text, {
        values: this.values.slice(fromSlot, toSlot),
        statuses: this.statuses.slice(fromSlot, toSlot),
      });
      return;
    }
    for (let slot = fromSlot; slot < toSlot; slot++) {
      this.values[slot] = known.values[slot - fromSlot] as Scalar;
    }
    this.statuses.set(known.statuses, fromSlot);
  }

  #readEntity(entity: EntityRead, text: string, timeMs: number): void {
    const { values, statuses } = this;
    this.keysRead += 1;
    for (const group of entity.groups) {
      const { table } = group.store;
      table.query(group.store.find(text), timeMs, group.windows);
      for (const feature of group.features) {
        const value = feature.finish();
        if (value === OVERFLOW) {
          values[feature.slot] = null;
          statuses[feature.slot] = ERROR;
        } else if (value === undefined) {
          values[feature.slot] = feature.default;
          statuses[feature.slot] = DEFAULT;
        } else {
          values[feature.slot] = value;
          statuses[feature.slot] = PRESENT;
        }
      }
    }
    for (const derived of entity.derived) this.#derive(derived);
  }

  /** A derived feature sees the values that are served: defaults included, null for an error. */
  #derive(derived: DerivedRead): void {
    const inputs: Scalar[] = [];
    let isBroken = false;
    for (const slot of derived.inputs) {
      inputs.push(this.values[slot] as Scalar);
      if (this.statuses[slot] === ERROR) isBroken = true;
    }
    const overflowsBefore = this.#faults.overflow;
    const value = derived.evaluate(inputs);
    if (value !== null) {
      this.values[derived.slot] = value;
      this.statuses[derived.slot] = PRESENT;
      return;
    }
    isBroken ||= this.#faults.overflow !== overflowsBefore;
    this.values[derived.slot] = derived.default;
    this.statuses[derived.slot] = isBroken ? ERROR : DEFAULT;
  }
}

function entityKey(entity: EntityRead, key: readonly Scalar[]): string {
  const parts: Scalar[] = [];
  for (const index of entity.keyIndexes) parts.push(key[index] as Scalar);
  return encodeKey(parts);
}
