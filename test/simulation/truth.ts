import { crc32 } from 'node:zlib';
import { present } from '../../src/base/assert.ts';
import { ByteWriter } from '../../src/base/bytes.ts';
import type { EventLog } from '../../src/ingest/log.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { encodeBatch } from '../../src/schema/batch-codec.ts';
import { eventsOf, type OracleEvent } from '../../src/testing/platform-oracle.ts';
import type { Problems } from './problems.ts';

/** What names an event in the generated rows, in the log as in a line that was sent. */
export function tagOf(source: string, id: unknown): string {
  return `${source}/${String(id)}`;
}

/**
 * Every event that was ever durable, as the log gave it out: from then on it may not be lost,
 * changed, or be there twice.
 */
export class Truth {
  readonly events: OracleEvent[] = [];
  /** Events of weight +1, and rows of any weight, by tag. */
  readonly counted = new Map<string, number>();
  readonly rows = new Map<string, number>();
  readonly #sources: ReadonlyMap<string, SourcePlan>;
  readonly #problems: Problems;
  readonly #tell: (line: string) => void;
  readonly #checksums: number[] = [];
  readonly #nextOffsets = new Map<string, number>();
  readonly #newestArrivals = new Map<string, number>();
  readonly #arrivalsOfId = new Map<string, number[]>();

  constructor(sources: readonly SourcePlan[], problems: Problems, tell: (line: string) => void) {
    this.#tell = tell;
    this.#sources = new Map(sources.map((source) => [source.name, source]));
    this.#problems = problems;
  }

  /** Of a source of the whole project, whether or not the present definitions have it. */
  schemaOf(source: string): SourcePlan {
    return this.#source(source);
  }

  get lastCommit(): number {
    return this.#checksums.length;
  }

  /** A batch that the log says is durable, now or once more. */
  record(batch: EventBatch): void {
    const checksum = this.#checksumOf(batch);
    if (batch.commit <= this.lastCommit) {
      if (checksum === this.#checksums[batch.commit - 1]) return;
      this.#problems.report(`commit ${batch.commit} is not what it was`);
      return;
    }
    if (batch.commit !== this.lastCommit + 1) {
      this.#problems.report(`commit ${batch.commit} follows ${this.lastCommit}`);
      return;
    }
    this.#checksums.push(checksum);
    this.#tell(`commit ${batch.commit} is durable: ${batch.count} of ${batch.source}`);
    const source = this.#source(batch.source);
    const names = source.columns.map(({ name }) => name);
    const events = eventsOf(batch, names);
    this.events.push(...events);
    this.#checkOffsets(batch);
    events.forEach((event, i) => {
      this.#count(source, event, batch.retractions?.weights[i] ?? 1);
    });
  }

  /** After a restart: all that was durable before is there, and is what it was. */
  compare(log: EventLog, archivedThrough: number): void {
    if (log.lastCommit < this.lastCommit) {
      this.#problems.report(
        `the log ends at ${log.lastCommit}, and ${this.lastCommit} was durable`,
      );
    }
    if (log.firstCommit > archivedThrough + 1) {
      this.#problems.report(`the log begins at ${log.firstCommit}, archived is ${archivedThrough}`);
    }
    for (const batch of log.read(log.firstCommit - 1, (name) => this.#source(name)))
      this.record(batch);
    if (log.lastCommit > this.lastCommit) this.#problems.report('the log has holes');
  }

  #checksumOf(batch: EventBatch): number {
    const writer = new ByteWriter();
    encodeBatch(batch, this.#source(batch.source), writer);
    return crc32(writer.view());
  }

  #source(name: string): SourcePlan {
    return present(this.#sources.get(name), name);
  }

  #checkOffsets(batch: EventBatch): void {
    const partition = `${batch.source}/${batch.partition}`;
    const next = this.#nextOffsets.get(partition) ?? 0;
    if (batch.firstOffset !== next) {
      this.#problems.report(`offset ${batch.firstOffset} of ${partition} follows ${next - 1}`);
    }
    this.#nextOffsets.set(partition, batch.firstOffset + batch.count);
  }

  #count(source: SourcePlan, event: OracleEvent, weight: number): void {
    const id = event.values.event_id ?? null;
    const tag = tagOf(source.name, id);
    this.rows.set(tag, (this.rows.get(tag) ?? 0) + 1);
    if (weight > 0) this.counted.set(tag, (this.counted.get(tag) ?? 0) + 1);
    this.#checkTimes(source, event);
    const hasChanges = 'changes' in source && source.changes !== null;
    if (source.id === null || id === null || hasChanges) return;
    const { dedupeHorizonMs } = source;
    const earlier = this.#arrivalsOfId.get(tag) ?? [];
    if (earlier.some((arrivalMs) => event.arrivalTimeMs - arrivalMs <= dedupeHorizonMs)) {
      this.#problems.report(`the event ${tag} counts twice`);
    }
    this.#arrivalsOfId.set(tag, [...earlier, event.arrivalTimeMs]);
  }

  #checkTimes(source: SourcePlan, event: OracleEvent): void {
    const { eventTimeMs, arrivalTimeMs } = event;
    const what = `${source.name} ${event.partition}:${event.offset}`;
    if (eventTimeMs > arrivalTimeMs) this.#problems.report(`${what} lies ahead of its arrival`);
    const hasChanges = 'changes' in source && source.changes !== null;
    if (!hasChanges && arrivalTimeMs - eventTimeMs > source.allowedLatenessMs) {
      this.#problems.report(`${what} is too late, and was taken`);
    }
    if (source.arrivalTime !== null) return;
    const partition = `${source.name}/${event.partition}`;
    if (arrivalTimeMs < (this.#newestArrivals.get(partition) ?? 0)) {
      this.#problems.report(`${what} arrived before the one before it`);
    }
    this.#newestArrivals.set(partition, arrivalTimeMs);
  }
}
