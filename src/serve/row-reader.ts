import { EXPIRED as OLD, OVERFLOW } from '../aggregate/finish.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import type { Faults } from '../expr/faults.ts';
import { encodeKey } from '../schema/key.ts';
import type { FeatureValue, Scalar } from '../schema/types.ts';
import { AnswerCache, type CachedAnswer } from './answer-cache.ts';
import type { AnswerRow } from './answer-sink.ts';
import type { DerivedRead, EntityRead, ReadPlan } from './read-plan.ts';
import { DEFAULT, ERROR, EXPIRED, PRESENT } from './status-codes.ts';
import { type StatusText, StatusTexts } from './status-texts.ts';

interface RowsRead {
  readonly rows: readonly number[];
  readonly untilMs: number;
}

/**
 * Reads rows of one service into slots. A key that comes again, within a request or later, is not
 * read again as long as its answer holds.
 */
export class RowReader implements AnswerRow {
  readonly plan: ReadPlan;
  /** The join keys, then the request fields, of the row read last. */
  given: readonly Scalar[] = [];
  /** The slots of the row read last; a new array each time, as young as the values it holds. */
  values: FeatureValue[] = [];
  readonly statuses: Uint8Array;
  /** What the row was made of, by entity. */
  readonly answers: CachedAnswer[] = [];
  readonly #faults: Faults;
  readonly #patterns: StatusTexts;
  #pattern: StatusText | null = null;
  readonly #caches: readonly AnswerCache[];
  /** Entity keys computed: what the cache holds is not. */
  keysRead = 0;

  constructor(plan: ReadPlan, faults: Faults) {
    this.plan = plan;
    this.statuses = new Uint8Array(plan.slotCount);
    this.#faults = faults;
    this.#patterns = new StatusTexts(plan.outputs);
    this.#caches = plan.entities.map((entity) => new AnswerCache(entity));
  }

  /** @param row the join keys, then the request fields */
  read(row: readonly Scalar[], timeMs: number): void {
    const { entities, slotCount, tokenizer } = this.plan;
    this.given = row;
    this.#pattern = null;
    this.values = new Array<FeatureValue>(slotCount);
    for (let i = 0; i < entities.length; i++) {
      const entity = entities[i] as EntityRead;
      const cache = this.#caches[i] as AnswerCache;
      const text = entityKey(entity, row, tokenizer);
      const cached = cache.find(text, timeMs);
      this.answers[i] = cached ?? this.#compute(entity, cache, text, timeMs);
      if (cached !== null) this.#recall(entity, cached);
    }
    if (this.plan.onDemand.length > 0) this.#readOnDemand(row);
  }

  get pattern(): StatusText {
    this.#pattern ??= this.#patterns.of(this.statuses);
    return this.#pattern;
  }

  /** Computed for each row: what is kept of an entity does not know the request. */
  #readOnDemand(row: readonly Scalar[]): void {
    const { service, requestSlot, onDemand } = this.plan;
    const first = service.joinKeys.length;
    for (let i = 0; i < service.request.length; i++) {
      this.values[requestSlot + i] = row[first + i] as Scalar;
      this.statuses[requestSlot + i] = PRESENT;
    }
    for (const feature of onDemand) this.#derive(feature);
  }

  /** Answers taken from the cache since the start. */
  get cacheHits(): number {
    return this.#caches.reduce((sum, cache) => sum + cache.hits, 0);
  }

  #recall({ fromSlot, toSlot }: EntityRead, cached: CachedAnswer): void {
    const { values } = this;
    for (let slot = fromSlot; slot < toSlot; slot++) {
      values[slot] = cached.values[slot - fromSlot] as FeatureValue;
    }
    this.statuses.set(cached.statuses, fromSlot);
  }

  #compute(entity: EntityRead, cache: AnswerCache, text: string, timeMs: number): CachedAnswer {
    const { fromSlot, toSlot } = entity;
    const { rows, untilMs } = this.#readEntity(entity, text, timeMs);
    const values = this.values.slice(fromSlot, toSlot);
    return cache.keep(text, untilMs, rows, values, this.statuses.slice(fromSlot, toSlot));
  }

  /** Answers the row of each group, or -1, and until when what was read holds. */
  #readEntity(entity: EntityRead, text: string, timeMs: number): RowsRead {
    const { values, statuses } = this;
    this.keysRead += 1;
    const rows: number[] = [];
    let untilMs = Number.POSITIVE_INFINITY;
    for (const { store, windows, features, expiring } of entity.groups) {
      const { table, origins } = store;
      const row = store.find(text);
      rows.push(row);
      const isMerged = origins?.query(text, row, timeMs, windows) ?? false;
      if (!isMerged) table.query(row, timeMs, windows);
      const holdsMs = isMerged ? origins?.holdsUntilMs : table.holdsUntilMs(row, timeMs, windows);
      untilMs = Math.min(untilMs, holdsMs ?? timeMs);
      for (const feature of features) {
        const value = isMerged ? feature.finishMerged() : feature.finish();
        if (value === OVERFLOW) {
          values[feature.slot] = null;
          statuses[feature.slot] = ERROR;
        } else if (value === undefined || value === OLD) {
          values[feature.slot] = feature.default;
          statuses[feature.slot] = value === OLD ? EXPIRED : feature.absent;
        } else {
          values[feature.slot] = value;
          statuses[feature.slot] = PRESENT;
        }
      }
      for (const { hold, holdMerged } of expiring) {
        untilMs = Math.min(untilMs, isMerged ? holdMerged() : hold());
      }
    }
    for (const derived of entity.derived) this.#derive(derived);
    return { rows, untilMs };
  }

  /** A derived feature sees the values that are served: defaults included, null for an error. */
  #derive(derived: DerivedRead): void {
    const inputs: Scalar[] = [];
    let isBroken = false;
    for (const slot of derived.inputs) {
      // The plan lets no list or histogram into an expression.
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

/** The encoded key of an entity, as the state knows it. */
export function entityKey(
  { keyIndexes, keyTokens }: EntityRead,
  key: readonly Scalar[],
  tokenizer: Tokenizer | null,
): string {
  const parts: Scalar[] = [];
  for (const index of keyIndexes) parts.push(key[index] as Scalar);
  if (keyTokens === null || tokenizer === null) return encodeKey(parts);
  for (const [i, domain] of keyTokens.entries()) {
    if (domain !== null) parts[i] = tokenizer.tokenOf(domain, String(parts[i]));
  }
  return encodeKey(parts);
}
