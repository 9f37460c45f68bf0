import { formatDuration } from '../base/duration.ts';
import { type Finding, prefixed, type RuleName } from './compatibility.ts';
import { columnFindings } from './diff-column-text.ts';
import { addExpectations, type Fields, findings } from './diff-fields.ts';
import type { ProjectPlan, SourcePlan, TableFromPlan, TableOriginPlan } from './plan.ts';
import { sourceNamed } from './plan-index.ts';
import { type PresentNames, presentNames } from './present-names.ts';

/** What differs in what a source means, and in what it is made from. */
export function sourceFindings(
  before: SourcePlan,
  beforePlan: ProjectPlan,
  after: SourcePlan,
  afterPlan: ProjectPlan,
): Finding[] {
  const names = new Map([...presentNames(before), ...presentNames(after)]);
  return [
    ...findings(
      sourceFields(before, names),
      sourceFields(after, names),
      (label) => RULES[label] ?? 'changes_changed',
    ),
    ...columnFindings(before, after),
    ...readingFindings(before.origin, after.origin),
    ...upstreamFindings(readBy(before), beforePlan, readBy(after), afterPlan),
  ];
}

/** By the labels of `sourceFields`; the others are those of changes. */
const RULES: Readonly<Record<string, RuleName>> = {
  'event time': 'event_time_changed',
  'arrival time': 'arrival_time_changed',
  id: 'id_changed',
  'allowed lateness': 'lateness_changed',
  'max clock skew': 'clock_skew_changed',
  'dedupe horizon': 'dedupe_horizon_changed',
  partitions: 'partitions_changed',
  'known at': 'known_time_changed',
  'known after': 'known_time_changed',
  'kept for rewrites': 'keep_changed',
  'kept for changes': 'keep_changed',
  reads: 'table_rows_changed',
  query: 'table_rows_changed',
  'finer times': 'table_rows_changed',
  'snapshot of': 'table_rows_changed',
  key: 'table_rows_changed',
  duplicates: 'table_rows_changed',
};

/** What differs in the sources that are read, before as after. */
export function upstreamFindings(
  before: readonly string[],
  beforePlan: ProjectPlan,
  after: readonly string[],
  afterPlan: ProjectPlan,
  concerns: (finding: Finding) => boolean = () => true,
): Finding[] {
  const read = new Set(after.filter((name) => before.includes(name)));
  return [...read].flatMap((name) => {
    const [old, now] = [beforePlan, afterPlan].map(({ sources }) => sourceNamed(sources, name));
    if (old === undefined || now === undefined || old.hash === now.hash) return [];
    const found = sourceFindings(old, beforePlan, now, afterPlan).filter(concerns);
    // A part of what is read is none of what reads it.
    return prefixed(`source ${name}: `, found).map(({ rule, sentence }) => ({ rule, sentence }));
  });
}

function readBy({ origin }: SourcePlan): string[] {
  return origin?.from.kind === 'query' ? Object.values(origin.from.upstreams) : [];
}

/** A table that is new: where its rows come from, and what they are known by. */
export function newSourceSentences(source: SourcePlan): string[] {
  if (source.origin === null) return [];
  const meaning = originMeaning(source.origin, presentNames(source));
  const fields = [...meaning, ...tableMetadata(source.origin), ...tableReading(source.origin)];
  return fields.map(([label, text]) => `${label}: ${text}`);
}

/** How a table's rows are brought, as far as that does not change what they are. */
export function tableMetadata(origin: TableOriginPlan): Fields {
  const fields = new Map<string, string>();
  const { from } = origin;
  if (from.kind !== 'query') fields.set('rows from', placeText(from));
  if (origin.unitBy !== null) fields.set('units by', origin.unitBy);
  if (origin.graceMs !== null) fields.set('grace', formatDuration(origin.graceMs));
  if (origin.mayBeEmpty) fields.set('may be empty', 'yes');
  addExpectations(fields, origin.expectations);
  return fields;
}

/** What the values of rows depend on that lie where they lie. */
function tableReading({ from, rename }: TableOriginPlan): Fields {
  const fields = new Map<string, string>();
  const renamed = Object.entries(rename).map(([upstream, name]) => `${upstream} as ${name}`);
  if (renamed.length > 0) fields.set('renamed', renamed.join(', '));
  if (from.kind === 'query') return fields;
  if (from.timeZone !== 'UTC') fields.set('time zone', from.timeZone);
  if (from.kind === 'postgres') {
    if (from.query !== null) fields.set('query of the database', from.query);
  } else if (from.nullText !== null) fields.set('null written as', JSON.stringify(from.nullText));
  return fields;
}

/** Rows that move to another kind of place are read as they lie there, and stay the same. */
function readingFindings(before: TableOriginPlan | null, after: TableOriginPlan | null): Finding[] {
  if (before === null || after === null) return [];
  const isMoved = formOf(before.from) !== formOf(after.from);
  const rule = isMoved ? 'table_place_changed' : 'table_reading_changed';
  return findings(tableReading(before), tableReading(after), () => rule);
}

function formOf(from: TableFromPlan): string {
  if (from.kind === 'postgres') return from.table === null ? 'a query of postgres' : 'postgres';
  return from.kind === 'files' ? from.format : from.kind;
}

/** Where rows lie, in a few words: `parquet warehouse/prices/*`. */
function placeText(from: Exclude<TableFromPlan, { kind: 'query' }>): string {
  if (from.kind === 'postgres') {
    return `postgres ${from.connection}${from.table === null ? '' : ` ${from.table}`}`;
  }
  const hive = from.hive.length === 0 ? '' : `, by ${from.hive.join('/')}`;
  const delimiter = from.delimiter === null ? '' : `, split by ${JSON.stringify(from.delimiter)}`;
  return `${from.format} ${from.paths.join(', ')}${hive}${delimiter}`;
}

function originMeaning(origin: TableOriginPlan, names: PresentNames): Fields {
  const { from, snapshot, key, duplicates, assumedDelayMs } = origin;
  const fields = new Map<string, string>();
  if (from.kind === 'query') {
    const read = Object.entries(from.upstreams);
    fields.set('reads', read.map(([alias, name]) => readText(alias, name)).join(', '));
    fields.set('query', from.sql);
  }
  if (from.kind !== 'query' && from.finerTimes) fields.set('finer times', 'floored');
  if (snapshot !== null) {
    const { dayColumn, offsetMs } = snapshot;
    fields.set('snapshot of', `${called(dayColumn, names)} + ${formatDuration(offsetMs)}`);
  }
  if (key.length > 0) {
    const columns = key.map((name) => called(name, names));
    fields.set('key', columns.join(', ')).set('duplicates', duplicates);
  }
  if (assumedDelayMs !== null) fields.set('known after', formatDuration(assumedDelayMs));
  return fields;
}

function readText(alias: string, name: string): string {
  return alias === name ? name : `${name} as ${alias}`;
}

function called(column: string, names: PresentNames): string {
  return names.get(column) ?? column;
}

function sourceFields(source: SourcePlan, names: PresentNames): Fields {
  const name = (column: string | null, otherwise: string): string =>
    column === null ? otherwise : called(column, names);
  const { changes: changing, table, origin } = source;
  const fields = new Map([['event time', called(source.eventTime, names)]]);
  if (table && origin) {
    const arrival = origin.assumedDelayMs === null ? 'when imported' : 'assumed';
    fields.set('known at', name(source.arrivalTime, arrival));
    for (const [label, text] of originMeaning(origin, names)) fields.set(label, text);
    return fields.set('kept for rewrites', String(table.keep));
  }
  fields
    .set('arrival time', name(source.arrivalTime, 'stamped by the log'))
    .set('id', name(source.id, 'none'))
    .set('allowed lateness', formatDuration(source.allowedLatenessMs))
    .set('max clock skew', formatDuration(source.maxClockSkewMs))
    .set('dedupe horizon', formatDuration(source.dedupeHorizonMs))
    .set('partitions', String(source.partitions));
  if (!changing) return fields;
  return fields
    .set('changes', called(changing.column, names))
    .set('inserts', changing.insert.join(', '))
    .set('updates', changing.update.join(', '))
    .set('deletes', changing.delete.join(', '))
    .set('sequence', name(changing.sequence, 'none'))
    .set('shape of changes', changing.shape)
    .set('horizon of changes', formatDuration(changing.horizonMs))
    .set('kept for changes', String(changing.keep));
}
