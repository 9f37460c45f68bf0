import type { SourceSchema } from '../schema/types.ts';
import { liveFrom, liveName, sourcesNotLive } from './bulk-note.ts';
import type { BulkSessions } from './bulk-sessions.ts';
import { emptyCommit } from './empty-commit.ts';
import type { EventLog, LogEntry } from './log.ts';

/** Writes down when the first live event of a source arrived, where history was imported before. */
export class LiveMark {
  readonly #log: EventLog;
  readonly #schemaOf: (source: string) => SourceSchema;
  /** Sources with history and no live event yet. */
  readonly #pending: Set<string>;
  /** The first arrival in this process, by source. */
  readonly #firstMs: Map<string, number>;

  constructor(
    log: EventLog,
    schemaOf: (source: string) => SourceSchema,
    { firstLiveMs }: BulkSessions,
  ) {
    this.#log = log;
    this.#firstMs = firstLiveMs;
    this.#pending = sourcesNotLive(log.notes);
    this.#schemaOf = schemaOf;
  }

  /** The first history comes. @param knownMs arrival of the first live event so far, or null */
  async begin(schema: SourceSchema, knownMs: number | null): Promise<void> {
    const { name } = schema;
    if (liveFrom(this.#log.notes, name) !== undefined) return;
    const fromMs = knownMs ?? this.#firstMs.get(name) ?? null;
    if (fromMs === null) this.#pending.add(name);
    await this.#write(schema, fromMs);
  }

  /** Called with live events right before they are appended: both become durable together. */
  before(entries: readonly LogEntry[]): void {
    for (const { source, arrivalTimeMs } of entries) {
      if (this.#firstMs.has(source) && !this.#pending.has(source)) continue;
      const fromMs = arrivalTimeMs.reduce((least, ms) => Math.min(least, ms));
      this.#firstMs.set(source, fromMs);
      if (!this.#pending.delete(source)) continue;
      // Where it fails, so do the events: the next ones are the first then.
      this.#write(this.#schemaOf(source), fromMs).catch(() => this.#pending.add(source));
    }
  }

  async #write(schema: SourceSchema, fromMs: number | null): Promise<void> {
    const text = JSON.stringify(fromMs);
    await this.#log.append([emptyCommit(schema)], { name: liveName(schema.name), text });
  }
}
