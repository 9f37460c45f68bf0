import { createHash } from 'node:crypto';
import type { SourcePlan } from '../../plan/plan.ts';
import type { OfflineCatalog } from '../../store/offline-catalog.ts';
import type { Lease } from '../../store/offline-catalog-leases.ts';
import type { NewPart, PartitionPart } from '../../store/offline-partition.ts';
import type { TableSource } from './table-source.ts';
import { readLooks, type UnitLook } from './unit-looks.ts';

/** What is known of a unit that was materialized before. */
export interface UnitState {
  readonly unit: string;
  /** Of its files as they were; '' where it was not read from files of its own. */
  readonly print: string;
  /** By what it was read: another definition reads it anew. */
  readonly definition: string;
  /** Live rows, and a checksum of them. */
  readonly rows: number;
  readonly checksum: string;
  readonly rejected: number;
  /** Changes are being appended: what is live may be anything between before and after. */
  readonly writing: boolean;
  /** Whether that is the unit's first materialization. */
  readonly first: boolean;
  /** When the next row from the future may count, in ms. */
  readonly pendingMs: number | null;
  readonly newestEventMs: number | null;
  /** All of it is applied at this commit. */
  readonly commit: number;
}

export function tableSubject(table: string): string {
  return `table/${table}`;
}

export interface UnitStatesOptions {
  readonly catalog: OfflineCatalog;
  readonly source: SourcePlan;
  /** The last commit of the history that is compared with. */
  readonly through: number;
  /** A unit is final so long after its newest event. */
  readonly graceMs: number;
  readonly nowMs: number;
  /** Held while states are published; null of a dry run. */
  readonly lease: Lease | null;
}

/** What is noted of the table as a whole. */
interface SubjectDetails {
  readonly scope: string | null;
  readonly looks: readonly UnitLook[];
  readonly lookedMs: number | null;
}

/**
 * The units of one table in the catalog. All of it is a cache: without it, units are read again
 * and compared with what is live.
 */
export class UnitStates {
  readonly #catalog: OfflineCatalog;
  readonly #subject: string;
  readonly #graceMs: number;
  readonly #nowMs: number;
  readonly #lease: Lease | null;
  readonly #states: Map<string, UnitState>;
  #generation: number;
  /** Of all that a table reads at a time, where units are told by rows; null if unknown. */
  readonly scope: string | null;
  /** What the newest units looked like when they were taken, the oldest first. */
  readonly looks: readonly UnitLook[];
  /** Of what looks are: of columns that mean something else nothing is known. */
  readonly #meaning: string;
  #details: SubjectDetails;
  #lookedMs: number | null;
  /** Nothing was noted, or more than the history has: it may have rows of which nothing is known. */
  readonly isUnnoted: boolean;

  constructor({ catalog, source, through, graceMs, nowMs, lease }: UnitStatesOptions) {
    this.#catalog = catalog;
    this.#subject = tableSubject(source.name);
    this.#graceMs = graceMs;
    this.#nowMs = nowMs;
    this.#lease = lease;
    const subject = catalog.partitions.subject(this.#subject);
    this.#generation = subject?.generation ?? 0;
    const known = catalog.partitions.live(this.#subject).map(stateOf);
    // A log that was restored from an older copy has not all that was noted.
    const isAhead = (subject?.throughCommit ?? 0) > through;
    this.#states = new Map(isAhead ? [] : known.map((state) => [state.unit, state]));
    const scope = subject?.details.scope;
    this.scope = !isAhead && typeof scope === 'string' ? scope : null;
    this.#meaning = source.hash;
    const isKnown = !isAhead && subject?.details.looksOf === source.hash;
    this.looks = isKnown ? readLooks(subject.details.looks) : [];
    const lookedMs = isAhead ? null : subject?.details.lookedMs;
    this.isUnnoted = subject === null || isAhead;
    this.#details = {
      ...{ scope: this.scope, looks: this.looks },
      lookedMs: typeof lookedMs === 'number' ? lookedMs : null,
    };
    this.#lookedMs = this.#details.lookedMs;
  }

  get(unit: string): UnitState | undefined {
    return this.#states.get(unit);
  }

  all(): UnitState[] {
    return [...this.#states.values()];
  }

  /**
   * The last time, in ms, at which the table is known not to have had what is not there yet, of
   * this run's rows; null before its first whole run has ended.
   */
  get lookedMs(): number | null {
    return this.#lookedMs;
  }

  /** A run begins: what it does not bring, whatever becomes of it, was not known at its time. */
  began(throughCommit: number): void {
    if (this.#details.lookedMs !== null) this.#noteLooked(throughCommit);
  }

  /** What is not there now was not known before now, be it of this run or a later one. */
  looked(throughCommit: number): void {
    this.#lookedMs = Math.max(this.#lookedMs ?? 0, this.#nowMs);
    this.#noteLooked(throughCommit);
  }

  #noteLooked(throughCommit: number): void {
    const lookedMs = Math.max(this.#details.lookedMs ?? 0, this.#nowMs);
    if (this.#lease === null || lookedMs === this.#details.lookedMs) return;
    this.publish([], throughCommit, { lookedMs });
  }

  /**
   * Notes states, all in one transaction; where `scope` is given, what they were all read from, and
   * where `looks` are, what units looked like.
   */
  publish(
    states: readonly UnitState[],
    throughCommit: number,
    more: Partial<SubjectDetails> = {},
  ): void {
    const { partitions } = this.#catalog;
    this.#details = { ...this.#details, ...more };
    this.#generation = partitions.publish({
      subject: this.#subject,
      expectedGeneration: this.#generation,
      throughCommit: Math.max(throughCommit, partitions.subject(this.#subject)?.throughCommit ?? 0),
      partitions: new Map(states.map((state) => [state.unit, [this.#partOf(state)]])),
      details: { ...this.#details, looksOf: this.#meaning },
      ...(this.#lease === null ? {} : { lease: this.#lease }),
    });
    for (const state of states) this.#states.set(state.unit, state);
  }

  #partOf(state: UnitState): NewPart {
    const { print, definition, rejected, writing, first, pendingMs, newestEventMs } = state;
    const isFinal =
      !writing && newestEventMs !== null && newestEventMs + this.#graceMs <= this.#nowMs;
    return {
      path: null,
      rows: state.rows,
      bytes: 0,
      checksum: state.checksum,
      fromCommit: 0,
      throughCommit: state.commit,
      fingerprint: print,
      details: { definition, rejected, writing, first, pendingMs, newestEventMs },
      state: writing ? 'dirty' : isFinal ? 'final' : 'provisional',
    };
  }
}

function stateOf(part: PartitionPart): UnitState {
  const { details } = part;
  const time = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  return {
    unit: part.partition,
    print: part.fingerprint ?? '',
    definition: String(details.definition ?? ''),
    rows: part.rows,
    checksum: part.checksum ?? '',
    rejected: Number(details.rejected ?? 0),
    writing: details.writing === true,
    first: details.first === true,
    pendingMs: time(details.pendingMs),
    newestEventMs: time(details.newestEventMs),
    commit: part.throughCommit,
  };
}

/** The part of a unit of which nobody knows any more what is live; it was there before. */
export function writingPart(part: PartitionPart): NewPart {
  const { path, rows, bytes, checksum, fromCommit, throughCommit, fingerprint, details } = part;
  return {
    ...{ path, rows, bytes, checksum, fromCommit, throughCommit, fingerprint },
    details: { ...details, writing: true, first: false },
    state: 'dirty',
  };
}

/** What a unit's content follows from besides its rows: how they are read, and by what. */
export function definitionOf({ source, origin }: TableSource, engine: string): string {
  const { from, key, duplicates, unitBy, rename, snapshot, assumedDelayMs } = origin;
  const read = from.kind === 'files' ? { ...from, paths: null } : from;
  const meaning = [source.columns, source.eventTime, source.arrivalTime, read, key, duplicates];
  const text = JSON.stringify([...meaning, unitBy, rename, snapshot, assumedDelayMs, engine]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
