import { createHmac } from 'node:crypto';
import { ValueProblem } from '../schema/read-value.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { RowChunk } from './row-chunk.ts';

/** Keys of one place that were forgotten, as hashes that only the door's salt can make. */
export interface FenceRule {
  readonly source: string;
  readonly columns: readonly string[];
  /** Hash → rows of an event time before this, in ms, are refused; null: all of them. */
  readonly keys: Readonly<Record<string, number | null>>;
}

export interface FenceBook {
  /** Hex. */
  readonly salt: string;
  readonly rules: readonly FenceRule[];
}

export const OPEN_FENCE: FenceBook = { salt: '', rules: [] };

/** A key of a fence: it tells nothing without the salt. */
export function fenceHash(salt: string, parts: readonly string[]): string {
  const hash = createHmac('sha256', Buffer.from(salt, 'hex')).update(JSON.stringify(parts));
  return hash.digest('base64url').slice(0, 22);
}

interface CompiledRule {
  readonly columns: readonly number[];
  readonly keys: ReadonlyMap<string, number | null>;
}

/**
 * Keeps those who were forgotten out of one source: an upstream that still has their past cannot
 * bring it back. Refused rows leave no trace of the key.
 */
export class Fence {
  readonly #salt: string;
  readonly #rules: readonly CompiledRule[];

  private constructor(salt: string, rules: readonly CompiledRule[]) {
    this.#salt = salt;
    this.#rules = rules;
  }

  /** Null where nobody was forgotten, and rows go in as ever. */
  static of({ name, columns }: SourceSchema, { salt, rules }: FenceBook): Fence | null {
    const at = (column: string): number => columns.findIndex((one) => one.name === column);
    const own = rules
      .filter((rule) => rule.source === name && rule.columns.every((column) => at(column) >= 0))
      .map((rule) => ({
        columns: rule.columns.map(at),
        keys: new Map(Object.entries(rule.keys)),
      }));
    return own.length === 0 ? null : new Fence(salt, own);
  }

  /** Gives the rows that may not come in their problem, before anything else is made of them. */
  mark(chunk: RowChunk): void {
    for (let slot = 0; slot < chunk.count; slot++) {
      if (!this.#rules.some((rule) => this.#refuses(rule, chunk, slot))) continue;
      const message = 'Events of this key up to some time were forgotten, and may not come back.';
      const problem = new ValueProblem('forgotten', message);
      chunk.conceal(slot, { column: null, problem });
    }
  }

  #refuses({ columns, keys }: CompiledRule, chunk: RowChunk, slot: number): boolean {
    const parts: string[] = [];
    for (const column of columns) {
      const cell = chunk.cellAt(column, slot);
      if (cell === null || cell === '') return false;
      parts.push(String(cell));
    }
    const untilMs = keys.get(fenceHash(this.#salt, parts));
    if (untilMs === undefined) return false;
    return untilMs === null || !(chunk.eventTimeAt(slot) >= untilMs);
  }
}
