import { assert } from '../base/assert.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { Applied, SourceApplied } from './online-store.ts';

interface SourcePosition {
  events: number;
  newestArrivalMs: number;
  newestEventMs: number;
  lastOffsets: number[];
}

/** The position as a checkpoint stores it: plain JSON. */
export interface StoredPosition {
  readonly commit: number;
  readonly newestArrivalMs: number;
  readonly sources: Readonly<Record<string, SourceApplied>>;
}

/** What has been applied, moved on batch by batch. */
export class AppliedPosition implements Applied {
  readonly #bySource = new Map<string, SourcePosition>();
  #commit = 0;
  #newestArrivalMs = 0;

  get commit(): number {
    return this.#commit;
  }

  get newestArrivalMs(): number {
    return this.#newestArrivalMs;
  }

  get bySource(): ReadonlyMap<string, SourceApplied> {
    return this.#bySource;
  }

  /** Takes the events of `batch` into account; its commit becomes visible only by `finish`. */
  observe(batch: EventBatch): void {
    const source = this.#source(batch.source);
    const { eventTimeMs, arrivalTimeMs, count } = batch;
    let newestArrivalMs = source.newestArrivalMs;
    let newestEventMs = source.newestEventMs;
    for (let i = 0; i < count; i++) {
      const arrivalMs = arrivalTimeMs[i] as number;
      const eventMs = eventTimeMs[i] as number;
      if (arrivalMs > newestArrivalMs) newestArrivalMs = arrivalMs;
      if (eventMs > newestEventMs) newestEventMs = eventMs;
    }
    source.events += count;
    source.newestArrivalMs = newestArrivalMs;
    source.newestEventMs = newestEventMs;
    while (source.lastOffsets.length <= batch.partition) source.lastOffsets.push(-1);
    const before = source.lastOffsets[batch.partition] ?? -1;
    source.lastOffsets[batch.partition] = Math.max(before, batch.firstOffset + count - 1);
    if (newestArrivalMs > this.#newestArrivalMs) this.#newestArrivalMs = newestArrivalMs;
  }

  /** As `observe`, of a batch long past: while its source was not defined, nobody heard of it. */
  catchUp(batch: EventBatch): void {
    const last = this.#bySource.get(batch.source)?.lastOffsets[batch.partition] ?? -1;
    if (batch.firstOffset + batch.count - 1 > last) this.observe(batch);
  }

  finish(commit: number): void {
    assert(commit >= this.#commit, 'the applied commit never goes back');
    this.#commit = commit;
  }

  store(): StoredPosition {
    const sources: Record<string, SourceApplied> = {};
    for (const [name, source] of this.#bySource) {
      sources[name] = { ...source, lastOffsets: [...source.lastOffsets] };
    }
    return { commit: this.#commit, newestArrivalMs: this.#newestArrivalMs, sources };
  }

  restore(stored: StoredPosition): void {
    assert(this.#commit === 0 && this.#bySource.size === 0, 'a position is restored once');
    this.#commit = stored.commit;
    this.#newestArrivalMs = stored.newestArrivalMs;
    for (const [name, source] of Object.entries(stored.sources)) {
      this.#bySource.set(name, { ...source, lastOffsets: [...source.lastOffsets] });
    }
  }

  #source(name: string): SourcePosition {
    let source = this.#bySource.get(name);
    if (source === undefined) {
      source = { events: 0, newestArrivalMs: 0, newestEventMs: 0, lastOffsets: [] };
      this.#bySource.set(name, source);
    }
    return source;
  }
}
