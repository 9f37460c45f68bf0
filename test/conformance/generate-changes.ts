import type { Random } from '../../src/base/random.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { ChangeSchema } from '../../src/schema/types.ts';
import { DECLARED_ARRIVAL } from './generate-source.ts';

export type Row = Record<string, unknown>;

interface KnownEvent {
  readonly nr: number;
  /** As it was sent last. */
  row: Row;
  sequence: number;
}

/** What was sent of a change stream so far. */
export class ChangeMemory {
  readonly events: KnownEvent[] = [];
  readonly sent: Row[] = [];
  sequence = 0;
  /** These are taken back next, one after another. */
  doomed: KnownEvent[] = [];
}

type Operation = 'insert' | 'update' | 'delete';

/**
 * The next change: an event that is new, one that is changed, taken back or comes again, one that
 * nobody knows, or what was sent before once more. `fresh` makes the columns of an event.
 */
export function generateChange(
  random: Random,
  source: SourcePlan,
  changes: ChangeSchema,
  memory: ChangeMemory,
  nr: number,
  fresh: (nr: number) => Row,
): Row {
  const next = memory.doomed.pop();
  const pick = next === undefined ? random.below(24) : 16;
  if (pick === 0 && memory.sent.length > 0) return random.pick(memory.sent);
  if (pick >= 1 && pick <= 5) memory.doomed = doomed(random, memory.events);
  const known = next ?? (pick < 10 ? undefined : recent(random, memory.events));
  const operation = operationOf(pick);
  const row = known === undefined ? fresh(nr) : changed(random, known.row, fresh(known.nr));
  const sequence = sequenceOf(random, memory, known);
  if (changes.sequence !== null) row[changes.sequence] = numbered(source, changes, sequence);
  const before = known?.row ?? null;
  if (known !== undefined && operation !== 'delete') Object.assign(known, { row, sequence });
  if (known === undefined) memory.events.push({ nr, row, sequence });
  const values = changes[operation];
  const name = random.below(60) === 0 ? random.pick(['x', null, 7]) : random.pick(values);
  const sent =
    changes.shape === 'row'
      ? plainRow(random, source, changes, operation, name, row)
      : envelope(random, source, changes, operation, name, row, before);
  memory.sent.push(sent);
  return sent;
}

/** Of an event that is known if `pick` is 10 or more. */
function operationOf(pick: number): Operation {
  if (pick < 8) return 'insert';
  if (pick === 8) return 'update';
  if (pick === 9) return 'delete';
  if (pick < 16) return 'update';
  return pick < 21 ? 'delete' : 'insert';
}

/** So many of one user's last, least, greatest, oldest or newest that nothing kept may be left. */
function doomed(random: Random, events: readonly KnownEvent[]): KnownEvent[] {
  const { user } = recent(random, events)?.row ?? {};
  const own = events.filter(({ row }) => row.user === user);
  const name = random.pick([null, 'n', 'x', 'happened_at']);
  const sign = random.pick([1, -1]);
  if (name !== null) own.sort((a, b) => sign * (sizeOf(a.row[name]) - sizeOf(b.row[name])));
  return own.slice(-2 - random.below(12));
}

function sizeOf(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isNaN(number) ? Date.parse(String(value)) || 0 : number;
}

/** Mostly one of the last few: these are what windows hold. */
function recent(random: Random, events: readonly KnownEvent[]): KnownEvent | undefined {
  const few = random.below(3) === 0 ? events.length : Math.min(events.length, 8);
  return events[events.length - 1 - random.below(few)];
}

/** Nothing, the key, the time, a value or everything is another. */
function changed(random: Random, before: Row, after: Row): Row {
  const take = (...names: string[]): Row => {
    const taken = names.filter((name) => name in after).map((name) => [name, after[name]]);
    return { ...before, ...Object.fromEntries(taken) };
  };
  const arrival = random.below(3) === 0 ? [] : [DECLARED_ARRIVAL];
  switch (random.below(6)) {
    case 0:
      return take(...arrival);
    case 1:
      return take('user', 'shop', 'happened_at', DECLARED_ARRIVAL);
    case 2:
      return take('happened_at', DECLARED_ARRIVAL);
    case 3:
      return after;
    default:
      return take('n', 'x', 's', 'd', 'place', ...arrival);
  }
}

/** Mostly a newer one than any before, else the same again or an older one. */
function sequenceOf(random: Random, memory: ChangeMemory, known: KnownEvent | undefined): number {
  if (known !== undefined && random.below(10) === 0) return known.sequence - random.below(2);
  memory.sequence += 1 + random.below(3);
  return memory.sequence;
}

/** Of some sources beyond 2^53, where two of them are one double. */
function numbered(source: SourcePlan, changes: ChangeSchema, sequence: number): unknown {
  const column = source.columns.find(({ name }) => name === changes.sequence);
  const isWide = column?.type.kind === 'int64' && source.partitions === 2;
  return isWide ? 2n ** 60n + BigInt(sequence) : 1_000_000 + sequence;
}

/** What a delete must say; where its arrival is declared, that too. */
function short(source: SourcePlan, changes: ChangeSchema, row: Row): Row {
  const names = [source.id, source.arrivalTime, changes.sequence];
  return Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)));
}

function plainRow(
  random: Random,
  source: SourcePlan,
  changes: ChangeSchema,
  operation: Operation,
  name: unknown,
  row: Row,
): Row {
  const isShort = operation === 'delete' && random.below(2) === 0;
  return { ...(isShort ? short(source, changes, row) : row), [changes.column]: name };
}

function envelope(
  random: Random,
  source: SourcePlan,
  changes: ChangeSchema,
  operation: Operation,
  name: unknown,
  row: Row,
  was: Row | null,
): Row {
  const beside = { ts_ms: 1, source: { table: 'orders' } };
  const around = random.below(3) === 0 ? beside : {};
  const { sequence } = changes;
  const inner = { ...row };
  // A sequence may stand beside the row too.
  const aside: Row = {};
  if (sequence !== null && random.below(3) === 0) {
    aside[sequence] = inner[sequence];
    delete inner[sequence];
  }
  const all = { [changes.column]: name, ...around, ...aside };
  if (operation === 'delete') {
    const before = random.below(2) === 0 ? short(source, changes, inner) : inner;
    return random.below(2) === 0 ? { ...all, before } : { ...all, before, after: null };
  }
  const former = random.below(20) === 0 ? { ...row, event_id: 'other' } : was;
  return random.below(3) === 0
    ? { ...all, before: former, after: inner }
    : { ...all, after: inner };
}
