import { LIMITS } from '../base/limits.ts';
import type { Deprecation } from '../registry/serving-states.ts';
import type { ViewFreshness } from './answer.ts';
import { AnswerBytes } from './answer-bytes.ts';
import type { CachedAnswer } from './answer-cache.ts';
import type { AnswerRow } from './answer-row.ts';
import { asciiText, memberPrefix } from './ascii-json.ts';
import { compileExceptionalText } from './exceptional-text.ts';
import type { ReadPlan } from './read-plan.ts';
import { compileRowParts, type RowPart } from './row-parts.ts';
import type { ExceptionalRow } from './row-rules.ts';

/** Bytes beside the rows that an answer is given room for. */
const MARGIN_BYTES = 128;
/** Of the first answer, before any row was seen. */
const FIRST_ROW_BYTES = 1_024;

/**
 * Writes the JSON of answers without building objects, as bytes of ASCII. What does not depend on
 * the values is text made once, and what one entity's answer decides is kept with that answer, so
 * that most of an answer is copied from bytes that are there already.
 */
export class ResponseWriter {
  readonly #parts: readonly RowPart[];
  readonly #opening: string;
  readonly #versions: string;
  readonly #freshnessPrefixes: readonly string[];
  readonly #shared = new Map<string, Uint8Array>();
  /** The opening written last: many requests of one millisecond have the same. */
  #opened: Uint8Array = Buffer.alloc(0);
  #openedMs = Number.NaN;
  #openedCommit = -1;
  #rowBytes = FIRST_ROW_BYTES;
  readonly #plan: ReadPlan;
  #exceptional: ((row: ExceptionalRow) => string) | null = null;

  constructor(plan: ReadPlan, deprecation: Deprecation | null = null) {
    const { service, views } = plan;
    this.#plan = plan;
    this.#parts = compileRowParts(plan);
    const warning =
      deprecation === null ? '' : `,"deprecated":${asciiText(JSON.stringify(deprecation))}`;
    const title = `"service":${JSON.stringify(service.name)},"version":${service.version}`;
    this.#opening = `{${title}${warning}`;
    const versions = views.map((view, i) => `${memberPrefix(view.label, i)}${view.version}`);
    this.#versions = `{${versions.join('')}}`;
    this.#freshnessPrefixes = views.map((view, i) => memberPrefix(view.label, i));
  }

  /** Room for an answer of so many rows, as large as the last ones were. */
  bytesFor(rowCount: number): AnswerBytes {
    return new AnswerBytes(this.#opened.length + rowCount * this.#rowBytes + MARGIN_BYTES);
  }

  /** Everything up to the rows. Time and position decide the freshness too. */
  opening(
    bytes: AnswerBytes,
    asOfMs: number,
    commit: number,
    freshness: () => readonly ViewFreshness[],
  ): void {
    if (asOfMs !== this.#openedMs || commit !== this.#openedCommit) {
      this.#opened = Buffer.from(this.#open(asOfMs, commit, freshness()), 'latin1');
      this.#openedMs = asOfMs;
      this.#openedCommit = commit;
    }
    bytes.piece(this.#opened);
  }

  #open(asOfMs: number, commit: number, freshness: readonly ViewFreshness[]): string {
    let text = `${this.#opening},"asOfMs":${asOfMs},"position":{"commit":${commit}}`;
    text += `,"versions":${this.#versions},"freshness":{`;
    for (let i = 0; i < freshness.length; i++) {
      const view = freshness[i] as ViewFreshness;
      text += `${this.#freshnessPrefixes[i]}{"newestArrivalMs":${view.newestArrivalMs}`;
      text += `,"stalenessMs":${view.stalenessMs},"objectiveMs":${view.objectiveMs}`;
      text += `,"stale":${view.stale}}`;
    }
    return `${text}},"rows":[`;
  }

  row(bytes: AnswerBytes, row: AnswerRow): void {
    if (isExceptional(row)) {
      this.#exceptional ??= compileExceptionalText(this.#plan);
      bytes.text(this.#exceptional(row));
      return;
    }
    const before = bytes.length;
    for (let p = 0; p < this.#parts.length; p++) {
      const part = this.#parts[p] as RowPart;
      if (part.entity < 0) {
        bytes.text(part.write(row));
        continue;
      }
      const { pieces } = row.answers[part.entity] as CachedAnswer;
      bytes.piece(pieces[p] ?? this.#keep(pieces, p, part, row));
    }
    // A little above the rows of late, so that an answer seldom has to be moved to larger room.
    const rowBytes = bytes.length - before + 2;
    this.#rowBytes =
      rowBytes > this.#rowBytes ? rowBytes : this.#rowBytes - ((this.#rowBytes - rowBytes) >> 6);
  }
  /** Makes of a row what is kept with its answers, for whoever writes it next. */
  ahead(row: AnswerRow): void {
    for (let p = 0; p < this.#parts.length; p++) {
      const part = this.#parts[p] as RowPart;
      if (part.entity < 0) continue;
      const { pieces } = row.answers[part.entity] as CachedAnswer;
      if (pieces[p] === undefined) this.#keep(pieces, p, part, row);
    }
  }

  #keep(pieces: CachedAnswer['pieces'], at: number, part: RowPart, row: AnswerRow): Uint8Array {
    const text = part.write(row);
    const piece = (part.isShared ? this.#shared.get(text) : undefined) ?? bytesOf(text);
    pieces[at] = piece;
    if (!part.isShared) return piece;
    if (this.#shared.size >= LIMITS.sharedAnswerTexts) this.#shared.clear();
    this.#shared.set(text, piece);
    return piece;
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function isExceptional(row: AnswerRow): row is ExceptionalRow {
  return row.exception !== null;
}
