import { EXPIRED as OLD, OVERFLOW } from '../aggregate/finish.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import type { Faults } from '../expr/faults.ts';
import { encodeKey } from '../schema/key.ts';
import type { FeatureValue, Scalar, Single } from '../schema/types.ts';
import { ROW_TIMEOUT, ROW_UNAVAILABLE } from '../store/online-store.ts';
import { AnswerCache, type CachedAnswer } from './answer-cache.ts';
import type { AnswerRow } from './answer-row.ts';
import { deriveFeature } from './derive-feature.ts';
import { FRESH, KEPT, type Staleness } from './freshness.ts';
import type { EntityRead, GroupRead, ReadPlan } from './read-plan.ts';
import { DEFAULT, ERROR, EXPIRED, PRESENT, STALE, TIMEOUT, UNAVAILABLE } from './status-codes.ts';
import { addStatuses, countStatuses, type StatusCounts } from './status-counts.ts';

/**
 * Reads rows of one service. A key that comes again, within a request or later, is not read again
 * as long as its answer holds, and its values are not looked at by whoever copies its text.
 */
export class RowReader implements AnswerRow {
  readonly plan: ReadPlan;
  given: readonly Single[] = [];
  readonly answers: CachedAnswer[] = [];
  readonly exception = null;
  readonly #faults: Faults;
  readonly #caches: readonly AnswerCache[];
  /** By entity: the slots of its outputs; and those of on-demand features. */
  readonly #outputs: readonly Int32Array[];
  readonly #onDemandOutputs: Int32Array;
  #values: FeatureValue[] = [];
  readonly #statuses: Uint8Array;
  #isFilled = false;
  /** By view, how old it is; null where none is older than promised. */
  #stale: readonly Staleness[] | null = null;
  #staleId = 0;
  /** Entity keys computed: what the cache holds is not. */
  keysRead = 0;

  /** @param cachedAnswers of each entity, how many are kept */
  constructor(plan: ReadPlan, faults: Faults, cachedAnswers?: number) {
    this.plan = plan;
    this.#statuses = new Uint8Array(plan.slotCount);
    this.#faults = faults;
    this.#caches = plan.entities.map((entity) => new AnswerCache(entity, cachedAnswers));
    const slotsWithin = (from: number, to: number): Int32Array =>
      Int32Array.from(
        plan.outputs.filter(({ slot }) => slot >= from && slot < to),
        ({ slot }) => slot,
      );
    this.#outputs = plan.entities.map(({ fromSlot, toSlot }) => slotsWithin(fromSlot, toSlot));
    this.#onDemandOutputs = slotsWithin(plan.requestSlot, plan.slotCount);
  }

  /**
   * Before the rows of an answer.
   * @param stale by view; null where none is older than promised
   */
  begin(stale: readonly Staleness[] | null): void {
    const before = this.#stale;
    if (stale === before) return;
    const isSame =
      stale !== null && before !== null && stale.every((one, view) => one === before[view]);
    if (isSame) return;
    this.#stale = stale;
    // Without stale views it is always the same, so that what was written then is written again.
    this.#staleId = stale === null ? 0 : nextStaleId();
  }

  /** @param row the join keys, then the request fields */
  read(row: readonly Single[], timeMs: number): void {
    this.ahead(row, timeMs);
    if (this.plan.onDemand.length > 0 || this.plan.functionSlots !== null) this.#readOnDemand(row);
  }

  /** Only what is kept for whoever reads the same keys next. */
  ahead(row: readonly Single[], timeMs: number): void {
    const { entities, tokenizer } = this.plan;
    this.given = row;
    this.#isFilled = false;
    for (let i = 0; i < entities.length; i++) {
      const entity = entities[i] as EntityRead;
      const cache = this.#caches[i] as AnswerCache;
      const text = entityKey(entity, row, tokenizer);
      const answer = cache.find(text, timeMs) ?? this.#compute(entity, cache, text, timeMs);
      if (answer.staleId !== this.#staleId) forgetText(answer, this.#staleId);
      this.answers[i] = answer;
    }
  }

  /** Reads a row that is completed by functions, while others are read. */
  captured(row: readonly Single[], timeMs: number): CapturedRow {
    this.read(row, timeMs);
    const { given, values } = this;
    // Text that is written meanwhile may tell of other times.
    const answers = this.answers.map((answer) => ({ ...answer, pieces: [], counts: null }));
    return { given, answers, values: [...values], statuses: this.#statuses.slice() };
  }

  /** Makes it the row read last again. */
  restore({ given, answers, values, statuses }: CapturedRow): void {
    this.given = given;
    for (const [entity, answer] of answers.entries()) this.answers[entity] = answer;
    this.#values = values;
    this.#statuses.set(statuses);
    this.#isFilled = true;
  }

  /** By slot, of the row read last; a new array for each row, as young as the values it holds. */
  get values(): readonly FeatureValue[] {
    if (!this.#isFilled) this.#fill();
    return this.#values;
  }

  /** By slot, of the row read last. */
  get statuses(): Uint8Array {
    if (!this.#isFilled) this.#fill();
    return this.#statuses;
  }

  /** Adds the statuses of the row's outputs. */
  countInto(totals: StatusCounts): void {
    for (let i = 0; i < this.answers.length; i++) addStatuses(totals, this.#countsOf(i));
    if (this.#onDemandOutputs.length > 0) {
      addStatuses(totals, countStatuses(this.statuses, this.#onDemandOutputs));
    }
  }

  /** Whether the statuses of each part of the row's outputs are as they should be. */
  everyCount(isSound: (counts: Readonly<StatusCounts>) => boolean): boolean {
    for (let i = 0; i < this.answers.length; i++) if (!isSound(this.#countsOf(i))) return false;
    const onDemand = this.#onDemandOutputs;
    return onDemand.length === 0 || isSound(countStatuses(this.statuses, onDemand));
  }

  #countsOf(entity: number): StatusCounts {
    const answer = this.answers[entity] as CachedAnswer;
    answer.counts ??= countStatuses(this.statuses, this.#outputs[entity] as Int32Array);
    return answer.counts;
  }

  /** Answers taken from the cache since the start. */
  get cacheHits(): number {
    return this.#caches.reduce((sum, cache) => sum + cache.hits, 0);
  }

  #fill(): void {
    const { entities, slotCount, slotViews } = this.plan;
    const values = new Array<FeatureValue>(slotCount);
    const stale = this.#stale;
    for (let i = 0; i < entities.length; i++) {
      const { fromSlot, toSlot } = entities[i] as EntityRead;
      const answer = this.answers[i] as CachedAnswer;
      for (let slot = fromSlot; slot < toSlot; slot++) {
        values[slot] = answer.values[slot - fromSlot] as FeatureValue;
      }
      this.#statuses.set(answer.statuses, fromSlot);
      for (let slot = fromSlot; stale !== null && slot < toSlot; slot++) {
        const staleness = stale[slotViews[slot] as number] as Staleness;
        if (staleness === FRESH) continue;
        const status = this.#statuses[slot] as number;
        const isKept = staleness === KEPT && status === DEFAULT;
        if (isKept || status === PRESENT) this.#statuses[slot] = STALE;
      }
    }
    this.#values = values;
    this.#isFilled = true;
  }

  /** Computed for each row: what is kept of an entity does not know the request. */
  #readOnDemand(row: readonly Single[]): void {
    const { service, requestSlot, onDemand } = this.plan;
    this.#fill();
    const first = service.joinKeys.length;
    for (let i = 0; i < service.request.length; i++) {
      this.#values[requestSlot + i] = row[first + i] as Single;
      this.#statuses[requestSlot + i] = PRESENT;
    }
    for (const feature of onDemand) {
      deriveFeature(feature, this.#values, this.#statuses, 0, this.#faults);
    }
  }

  #compute(entity: EntityRead, cache: AnswerCache, text: string, timeMs: number): CachedAnswer {
    const { fromSlot, toSlot } = entity;
    const values = new Array<FeatureValue>(toSlot - fromSlot);
    const statuses = new Uint8Array(toSlot - fromSlot);
    this.keysRead += 1;
    const rows: number[] = [];
    let untilMs = Number.POSITIVE_INFINITY;
    for (const group of entity.groups) {
      const row = group.store.find(text);
      rows.push(row);
      if (row === ROW_TIMEOUT || row === ROW_UNAVAILABLE) {
        failGroup(group, row === ROW_TIMEOUT ? TIMEOUT : UNAVAILABLE, fromSlot, values, statuses);
        // What is not known now may be known at the next look.
        untilMs = Number.NEGATIVE_INFINITY;
      } else {
        const holdsMs = readGroup(group, text, row, timeMs, { fromSlot, values, statuses });
        untilMs = Math.min(untilMs, holdsMs);
      }
    }
    for (const derived of entity.derived) {
      deriveFeature(derived, values, statuses, fromSlot, this.#faults);
    }
    return cache.keep(text, untilMs, rows, values, statuses);
  }
}

/** A row that was read, apart from its reader. */
export interface CapturedRow {
  readonly given: readonly Single[];
  readonly answers: readonly CachedAnswer[];
  /** By slot. */
  readonly values: FeatureValue[];
  readonly statuses: Uint8Array;
}

let staleIds = 0;

function nextStaleId(): number {
  staleIds += 1;
  return staleIds;
}

function forgetText(answer: CachedAnswer, staleId: number): void {
  answer.staleId = staleId;
  answer.pieces = [];
  answer.counts = null;
}

interface EntitySlots {
  readonly fromSlot: number;
  readonly values: FeatureValue[];
  readonly statuses: Uint8Array;
}

/** Until when what was read holds. */
function readGroup(
  { store, windows, features, expiring }: GroupRead,
  text: string,
  row: number,
  timeMs: number,
  { fromSlot, values, statuses }: EntitySlots,
): number {
  const { table, origins } = store;
  const isMerged = origins?.query(text, row, timeMs, windows) ?? false;
  if (!isMerged) table.query(row, timeMs, windows);
  const holdsMs = isMerged ? origins?.holdsUntilMs : table.holdsUntilMs(row, timeMs, windows);
  let untilMs = holdsMs ?? timeMs;
  for (const feature of features) {
    const at = feature.slot - fromSlot;
    const value = isMerged ? feature.finishMerged() : feature.finish();
    if (value === OVERFLOW) {
      values[at] = null;
      statuses[at] = ERROR;
    } else if (value === undefined || value === OLD) {
      values[at] = feature.default;
      statuses[at] = value === OLD ? EXPIRED : feature.absent;
    } else {
      values[at] = value;
      statuses[at] = PRESENT;
    }
  }
  for (const { hold, holdMerged } of expiring) {
    untilMs = Math.min(untilMs, isMerged ? holdMerged() : hold());
  }
  return untilMs;
}

/** What cannot be read is answered by what is declared, and says so. */
function failGroup(
  { features }: GroupRead,
  status: number,
  fromSlot: number,
  values: FeatureValue[],
  statuses: Uint8Array,
): void {
  for (const feature of features) {
    values[feature.slot - fromSlot] = feature.default;
    statuses[feature.slot - fromSlot] = status;
  }
}

/** The encoded key of an entity, as the state knows it. */
export function entityKey(
  { keyIndexes, keyTokens }: EntityRead,
  key: readonly Single[],
  tokenizer: Tokenizer | null,
): string {
  // One text is its own key, which most entities have.
  if (keyIndexes.length === 1 && keyTokens === null) return String(key[keyIndexes[0] as number]);
  const parts: Scalar[] = [];
  for (const index of keyIndexes) parts.push(key[index] as Scalar);
  if (keyTokens === null || tokenizer === null) return encodeKey(parts);
  for (const [i, domain] of keyTokens.entries()) {
    if (domain !== null) parts[i] = tokenizer.tokenOf(domain, String(parts[i]));
  }
  return encodeKey(parts);
}
