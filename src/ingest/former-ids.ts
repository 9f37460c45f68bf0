import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { DedupeLimits } from './dedupe-index.ts';
import type { IdBlock } from './id-snapshot.ts';
import { openMemory } from './open-memory.ts';
import type { SourceMemory } from './source-memory.ts';

/**
 * Ids of sources that are not declared now, or whose id column was another: they are handed on
 * as they are, so that a source which comes back knows its past.
 */
export class FormerIds {
  #unread: readonly IdBlock[];
  readonly #schemas: ReadonlyMap<string, SourceSchema>;
  readonly #limits: DedupeLimits;
  readonly #read = new Map<string, SourceMemory>();

  /** @param schemas all that events were ever logged with, in the order of their first use */
  constructor(blocks: readonly IdBlock[], schemas: readonly SourceSchema[], limits: DedupeLimits) {
    // Copies, since a block is a part of the whole file.
    this.#unread = blocks.map((block) => ({ ...block, body: block.body.slice() }));
    this.#schemas = new Map(schemas.map((schema) => [schema.name, schema]));
    this.#limits = limits;
  }

  schemaOf(source: string): SourceSchema | undefined {
    return this.#schemas.get(source);
  }

  /** Only a log that goes on behind the last checkpoint needs these ids to be read. */
  restore(batch: EventBatch): void {
    const schema = this.#schemas.get(batch.source);
    if (schema === undefined) return;
    let ids = this.#read.get(batch.source);
    if (ids === undefined) {
      const opened = openMemory(schema, this.#limits);
      opened.adopt(this.#unread.filter((block) => opened.owns(block)));
      this.#unread = this.#unread.filter((block) => !opened.owns(block));
      this.#read.set(batch.source, opened);
      ids = opened;
    }
    ids.restore(batch);
  }

  *blocks(): Generator<IdBlock> {
    yield* this.#unread;
    for (const ids of this.#read.values()) yield* ids.blocks();
  }
}
