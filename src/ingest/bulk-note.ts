import { AsofError } from '../base/errors.ts';
import type { Judgement } from './acceptance.ts';
import type { BulkChunk, BulkTotals } from './bulk-door.ts';
import { laneName, laneText, readLane } from './lane-note.ts';
import { encodeLetter, type Letter } from './letter-line.ts';
import type { LogEntry } from './log.ts';
import type { LogNotes } from './log-note.ts';

/** What the log keeps of a run: with each chunk, so that rows and counts cannot disagree. */
export interface RunState {
  readonly taken: number;
  readonly finished: boolean;
  readonly totals: BulkTotals;
  /** Of the last chunk, for whoever asks for it again. */
  readonly last: Pick<BulkTotals, 'accepted' | 'rejected'>;
  /** Of a run into a stream; undefined before its first chunk. */
  readonly cutMs?: number | null;
  /** The first and last arrival of what was accepted; null before the first. */
  readonly spanMs?: ArrivalSpan | null;
}

export type ArrivalSpan = readonly [firstMs: number, lastMs: number];

/** What a run needs to know of the rows of a chunk. */
interface RunRows {
  readonly chunk: { readonly count: number };
  readonly unread: readonly { readonly code: string }[];
  readonly span: ArrivalSpan | null;
}

export const NO_TOTALS: BulkTotals = { read: 0, accepted: 0, rejected: {}, left: {} };

export const NEW_RUN: RunState = {
  taken: 0,
  finished: false,
  totals: NO_TOTALS,
  last: { accepted: 0, rejected: {} },
};

/** Runs stand among the connectors; no connector's name has a colon. */
const RUN_PREFIX = 'bulk:';

export function runConnector(run: string): string {
  return `${RUN_PREFIX}${run}`;
}

export function runName(source: string, run: string): string {
  return laneName(source, runConnector(run), '');
}

/** Null for a run that the log does not know. */
export function runOf(notes: LogNotes, source: string, run: string): RunState | null {
  const text = notes.texts.get(runName(source, run));
  return text === undefined ? null : stateOf(text);
}

function stateOf(text: string): RunState {
  const { token } = readLane(text);
  const state: unknown = JSON.parse(token ?? 'null');
  if (isState(state)) return state;
  throw new AsofError('corrupt_log', `The note of a run is not one: ${text.slice(0, 200)}`);
}

function isState(state: unknown): state is RunState {
  if (typeof state !== 'object' || state === null) return false;
  return 'taken' in state && 'totals' in state && typeof state.taken === 'number';
}

/** Runs by their sources, as they are durable. */
export function* runsOf(
  notes: LogNotes,
): Generator<{ readonly source: string; readonly run: string; readonly state: RunState }> {
  for (const [name, text] of notes.texts) {
    const parts: unknown = JSON.parse(name);
    if (!Array.isArray(parts) || typeof parts[2] !== 'string') continue;
    if (parts[0] !== CONNECTOR || !parts[2].startsWith(RUN_PREFIX)) continue;
    yield {
      source: String(parts[1]),
      run: parts[2].slice(RUN_PREFIX.length),
      state: stateOf(text),
    };
  }
}

const CONNECTOR: unknown = JSON.parse(laneName('', '', ''))[0];

/** The sources into which some run is under way. */
export function importingSources(notes: LogNotes): Set<string> {
  const open = new Set<string>();
  for (const { source, state } of runsOf(notes)) if (!state.finished) open.add(source);
  return open;
}

/** Where a stream's live events begin; the log says so once history is imported beside them. */
export function liveName(source: string): string {
  return JSON.stringify(['live', source]);
}

/** Sources that have history and no live event yet. */
export function sourcesNotLive(notes: LogNotes): Set<string> {
  const found = new Set<string>();
  for (const [name, text] of notes.texts) {
    const parts: unknown = JSON.parse(name);
    if (!Array.isArray(parts) || name !== liveName(String(parts[1]))) continue;
    if (text === 'null') found.add(String(parts[1]));
  }
  return found;
}

/** Undefined where nothing was ever imported: all that there is came live. */
export function liveFrom(notes: LogNotes, source: string): number | null | undefined {
  const text = notes.texts.get(liveName(source));
  if (text === undefined) return undefined;
  const fromMs: unknown = JSON.parse(text);
  return typeof fromMs === 'number' ? fromMs : null;
}

/** The run once it has taken one more chunk. */
export function nextState(
  { totals, spanMs }: RunState,
  { chunk, import: given }: Pick<BulkChunk, 'chunk' | 'import'>,
  { chunk: rows, unread, span }: RunRows,
  { accepted, rejected }: Judgement,
): RunState {
  const codes = countCodes(rejected.map(({ problem }) => problem.problem.code));
  const left = given?.left ?? {};
  return {
    taken: chunk,
    finished: false,
    totals: {
      read: totals.read + rows.count + unread.length + countOf(left),
      accepted: totals.accepted + accepted,
      rejected: addCounts(
        addCounts(totals.rejected, codes),
        countCodes(unread.map(({ code }) => code)),
      ),
      left: addCounts(totals.left, left),
    },
    last: { accepted, rejected: codes },
    spanMs: joined(spanMs ?? null, span),
    ...(given === undefined ? {} : { cutMs: given.cutMs }),
  };
}

export function runText(state: RunState, batch: number, refused: readonly Letter[]): string {
  const token = JSON.stringify(state);
  return laneText({ batch, token, letters: refused.map(encodeLetter) });
}

function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function countOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function countCodes(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

function joined(a: ArrivalSpan | null, b: ArrivalSpan | null): ArrivalSpan | null {
  if (a === null || b === null) return a ?? b;
  return [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
}

/** The arrivals of what an append brings; null where that is nothing. */
export function spanOf(entries: readonly LogEntry[]): ArrivalSpan | null {
  let span: ArrivalSpan | null = null;
  for (const { arrivalTimeMs } of entries) {
    for (const ms of arrivalTimeMs) span = joined(span, [ms, ms]);
  }
  return span;
}

/** What other runs have brought into a stream. */
export function otherSpans(notes: LogNotes, source: string, run: string): ArrivalSpan[] {
  return [...runsOf(notes)].flatMap((one) =>
    one.source !== source || one.run === run || !one.state.spanMs ? [] : [one.state.spanMs],
  );
}
