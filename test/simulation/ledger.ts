import { AsofError, type ErrorCode } from '../../src/base/errors.ts';
import type { DeadLetters } from '../../src/ingest/dead-letters.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { Problems } from './problems.ts';
import { type Truth, tagOf } from './truth.ts';

/** Codes of rows that came at a bad time only: they are in no log, and the sender repeats them. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set([
  'disk_full',
  'disk_failed',
  'overloaded',
  'not_ready',
  'state_full',
  'unknown_source',
]);

export const isTransient = (code: ErrorCode): boolean => TRANSIENT.has(code);

/** What the server was given and what it answered, line by line, held against what is durable. */
export class Ledger {
  /** Rows that were acknowledged as taken. */
  acknowledged = 0;
  readonly #truth: Truth;
  readonly #problems: Problems;
  readonly #delivered = new Map<string, number>();
  readonly #accepted = new Map<string, number>();
  /** Said not to be taken by a process that still lives, so that they cannot come back. */
  #refused = new Map<string, number>();
  /** Letters that must be there, by source, and how many by code and raw text. */
  readonly #letters = new Map<string, Map<string, number>>();

  constructor(truth: Truth, problems: Problems) {
    this.#truth = truth;
    this.#problems = problems;
  }

  deliver(source: string, lines: readonly string[]): void {
    for (const line of lines) count(this.#delivered, tagOfLine(source, line));
  }

  /** Checked at once: what is acknowledged is durable, and what is a duplicate has its original. */
  answered(source: string, lines: readonly string[], result: PushResult): void {
    const verdicts = new Map(result.rows.map((verdict) => [verdict.row, verdict]));
    if (result.received !== lines.length) {
      this.#problems.report(`${result.received} of ${lines.length} rows were received`);
    }
    lines.forEach((line, row) => {
      const tag = tagOfLine(source, line);
      const verdict = verdicts.get(row);
      if (verdict === undefined) this.#take(tag);
      else if (isTransient(verdict.code)) count(this.#refused, tag);
      else {
        this.#check(tag, verdict.code);
        count(this.#lettersOf(source), `${verdict.code} ${line}`);
        count(this.#refused, tag);
      }
    });
  }

  refusedAll(source: string, lines: readonly string[], error: unknown): void {
    if (!(error instanceof AsofError) || !isTransient(error.code)) {
      this.#problems.report(`a push failed: ${error}`);
    }
    for (const line of lines) count(this.#refused, tagOfLine(source, line));
  }

  /** What was refused because the disk failed may be on it all the same. */
  forgetRefusals(): void {
    this.#refused = new Map();
  }

  /** At a quiet moment: nothing is lost, and nothing is there that was not sent. */
  checkAll(): void {
    for (const [tag, accepted] of this.#accepted) {
      const logged = this.#truth.rows.get(tag) ?? 0;
      if (logged < accepted) this.#problems.report(`${tag}: ${accepted} taken, ${logged} logged`);
    }
    for (const [tag, logged] of this.#truth.counted) {
      const most = (this.#delivered.get(tag) ?? 0) - (this.#refused.get(tag) ?? 0);
      if (logged > most) this.#problems.report(`${tag}: ${most} sent, ${logged} logged`);
    }
  }

  /** Every row that was refused for good is among the dead letters. */
  checkLetters(letters: DeadLetters): void {
    for (const [source, expected] of this.#letters) {
      const kept = new Map<string, number>();
      for (const { code, raw } of letters.list(source)) {
        count(kept, `${code} ${typeof raw === 'string' ? raw : '(bytes)'}`);
      }
      for (const [letter, times] of expected) {
        if ((kept.get(letter) ?? 0) >= times) continue;
        this.#problems.report(`a dead letter is gone: ${letter} (${times})`);
      }
      const counted = letters.count(source).reduce((sum, each) => sum + each.count, 0);
      // A letter of which nobody was told may be counted and then be lost.
      const least = [...expected.values()].reduce((sum, times) => sum + times, 0);
      if (counted < least) this.#problems.report(`${counted} letters counted, ${least} kept`);
    }
  }

  #take(tag: string): void {
    this.acknowledged += 1;
    count(this.#accepted, tag);
    const logged = this.#truth.rows.get(tag) ?? 0;
    const accepted = this.#accepted.get(tag) ?? 0;
    if (logged < accepted) this.#problems.report(`${tag} is acknowledged, and not durable`);
  }

  #check(tag: string, code: ErrorCode): void {
    if (code !== 'duplicate' || this.#truth.rows.has(tag)) return;
    this.#problems.report(`${tag} is called a duplicate, and was never taken`);
  }

  #lettersOf(source: string): Map<string, number> {
    const letters = this.#letters.get(source) ?? new Map<string, number>();
    this.#letters.set(source, letters);
    return letters;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Every generated row has an `event_id`, of a digit string or a text; what is no row has none. */
export function tagOfLine(source: string, line: string): string {
  const [, text, digits] = /"event_id":(?:"([^"]*)"|(-?\d+))/.exec(rowIn(line)) ?? [];
  return tagOf(source, text ?? digits ?? null);
}

/** Of a change that comes with before and after, what it is after. */
function rowIn(line: string): string {
  return line.slice(Math.max(0, line.indexOf('"after":{')));
}
