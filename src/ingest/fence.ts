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
  /** What of a table's rows is left when they are read again; absent: nothing. */
  readonly rest?: FenceRest;
}

/** How rows were left that stayed without the person, so that an upstream's can be made the same. */
export interface FenceRest {
  /** Columns that were emptied. */
  readonly emptied: readonly string[];
  /** Of each place of the source its columns: where one is whole, the row stays. */
  readonly places: readonly (readonly string[])[];
}

export interface FenceBook {
  /** Hex. */
  readonly salt: string;
  readonly rules: readonly FenceRule[];
  /** Keys of which no answers are kept; absent: none. */
  readonly answers?: readonly FencedAnswers[];
}

/** Forgotten keys of one entity, as requests name them. */
export interface FencedAnswers {
  readonly joinKeys: readonly string[];
  readonly hashes: readonly string[];
}

export const FORGOTTEN_MESSAGE =
  'Events of this key up to some time were forgotten, and may not come back.';

export const OPEN_FENCE: FenceBook = { salt: '', rules: [] };

/** A key of a fence: it tells nothing without the salt. */
export function fenceHash(salt: string, parts: readonly string[]): string {
  const hash = createHmac('sha256', Buffer.from(salt, 'hex')).update(JSON.stringify(parts));
  return hash.digest('base64url').slice(0, 22);
}

/** Whether a key at an event time is kept out. */
export function isFenced(
  { keys }: { readonly keys: ReadonlyMap<string, number | null> },
  hash: string,
  eventMs: number,
): boolean {
  const untilMs = keys.get(hash);
  if (untilMs === undefined) return false;
  return untilMs === null || !(eventMs >= untilMs);
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
      const problem = new ValueProblem('forgotten', FORGOTTEN_MESSAGE);
      chunk.conceal(slot, { column: null, problem });
    }
  }

  #refuses(rule: CompiledRule, chunk: RowChunk, slot: number): boolean {
    const parts: string[] = [];
    for (const column of rule.columns) {
      const cell = chunk.cellAt(column, slot);
      if (cell === null || cell === '') return false;
      parts.push(String(cell));
    }
    return isFenced(rule, fenceHash(this.#salt, parts), chunk.eventTimeAt(slot));
  }
}
