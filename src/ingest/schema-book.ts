import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { newestVersion, presentName, typesOf } from '../schema/evolution.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import {
  type ColumnSchema,
  isRetractable,
  type SourceSchema,
  sameType,
  typeText,
} from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import { LOG_FOLDER } from './segment.ts';

const PATH = `${LOG_FOLDER}/schemas.json`;
const FORMAT = 1;

interface StoredBook {
  readonly format: number;
  readonly schemas: Readonly<Record<string, SourceSchema>>;
}

/**
 * Every schema that events of the log were ever written with, by fingerprint, so that old frames
 * can be read for ever. A schema is durable here before the first frame that uses it.
 */
export class SchemaBook {
  readonly #disk: Disk;
  readonly #schemas = new Map<string, SourceSchema>();
  /** Those that need no second look. */
  readonly #added = new WeakSet<SourceSchema>();

  constructor(disk: Disk) {
    this.#disk = disk;
    this.reload();
  }

  /** Reads again what another process may have added. */
  reload(): void {
    if (!this.#disk.exists(PATH)) return;
    const stored = parseBook(new TextDecoder().decode(this.#disk.read(PATH)));
    for (const [fingerprint, schema] of Object.entries(stored.schemas)) {
      this.#schemas.set(fingerprint, schema);
    }
  }

  get(fingerprint: string): SourceSchema | undefined {
    return this.#schemas.get(fingerprint);
  }

  /** In the order in which they were added. */
  all(): SourceSchema[] {
    return [...this.#schemas.values()];
  }

  /** @throws AsofError `corrupt_log` if no schema has this fingerprint */
  find(source: string, fingerprint: string): SourceSchema {
    const schema = this.#schemas.get(fingerprint);
    if (schema !== undefined) return schema;
    throw new AsofError('corrupt_log', `'${PATH}' lacks schema ${fingerprint} of '${source}'.`, {
      path: PATH,
    });
  }

  /**
   * Whether logged events can still be read under a schema; nothing is written.
   * @throws AsofError `type_mismatch` if a column of an earlier schema has another type now and no
   * schema version says that it was widened, or had ids where it has tokens now, or if the source had changes and has none now
   */
  check(schema: SourceSchema): void {
    for (const earlier of this.#schemas.values()) {
      if (earlier.name !== schema.name) continue;
      refuseChangedType(earlier, schema);
      refuseMixedIds(earlier, schema);
      refuseNoChanges(earlier, schema);
    }
  }

  /**
   * Makes a schema durable, once.
   * @throws AsofError `type_mismatch` if a column of an earlier schema has another type now
   */
  add(schema: SourceSchema): void {
    if (this.#added.has(schema)) return;
    const fingerprint = schemaFingerprint(schema);
    const known = this.#schemas.get(fingerprint);
    const isKnown = known !== undefined && sameChanges(known, schema) && sameTokens(known, schema);
    if (!isKnown) this.#write(fingerprint, schema);
    this.#added.add(schema);
  }

  #write(fingerprint: string, schema: SourceSchema): void {
    this.check(schema);
    const schemas = Object.fromEntries([...this.#schemas, [fingerprint, plainSchema(schema)]]);
    const book: StoredBook = { format: FORMAT, schemas };
    this.#disk.replace(PATH, new TextEncoder().encode(JSON.stringify(book, null, 1)));
    this.#schemas.set(fingerprint, plainSchema(schema));
  }
}

function parseBook(text: string): StoredBook {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AsofError('corrupt_log', `'${PATH}' is not JSON.`, { path: PATH, cause });
  }
  const book = parsed as StoredBook;
  if (book.format > FORMAT) {
    throw new AsofError('newer_format', `'${PATH}' has format ${book.format}.`, { path: PATH });
  }
  return book;
}

/** Ranges belong to acceptance, not to reading, and may be beyond what JSON holds. */
function plainSchema(schema: SourceSchema): SourceSchema {
  const { name, eventTime, arrivalTime, id, partitions } = schema;
  const { allowedLatenessMs, maxClockSkewMs, dedupeHorizonMs } = schema;
  return {
    name,
    columns: schema.columns.map((column) => ({
      name: column.name,
      type: column.type,
      optional: column.optional,
      min: null,
      max: null,
      ...(isTokenized(column) ? { personal: 'tokenized' as const } : {}),
    })),
    eventTime,
    arrivalTime,
    id,
    allowedLatenessMs,
    maxClockSkewMs,
    dedupeHorizonMs,
    partitions,
    // Whether logged rows can take others back, and which column names the event.
    ...(schema.changes ? { changes: schema.changes } : {}),
    ...(schema.table ? { table: schema.table } : {}),
  };
}

function sameChanges(a: SourceSchema, b: SourceSchema): boolean {
  const changesOf = ({ changes, table }: SourceSchema): string =>
    JSON.stringify([changes ?? null, table ?? null]);
  return changesOf(a) === changesOf(b);
}

function isTokenized({ personal }: Pick<ColumnSchema, 'personal'>): boolean {
  return personal === 'tokenized';
}

function sameTokens(a: SourceSchema, b: SourceSchema): boolean {
  return a.columns.every((column) => {
    const other = b.columns.find(({ name }) => name === column.name);
    return other !== undefined && isTokenized(other) === isTokenized(column);
  });
}

/** Ids and tokens of one column would be two entities each, and the ids would stay. */
function refuseMixedIds(earlier: SourceSchema, later: SourceSchema): void {
  for (const column of later.columns) {
    const before = earlier.columns.find((candidate) => candidate.name === column.name);
    if (before === undefined || isTokenized(before) === isTokenized(column)) continue;
    const name = presentName(column);
    const [was, is] = isTokenized(column) ? ['ids as they are', ''] : ['tokens', 'not '];
    throw new AsofError(
      'type_mismatch',
      `Column '${name}' of '${later.name}' has ${was} in logged events; now it is ${is}tokenized.`,
      {
        path: `sources.${later.name}.columns.${name}`,
        remedy:
          'Give the source a new name, and import the history: ids become tokens as they are read.',
      },
    );
  }
}

/** What logged rows have taken back would count again. */
function refuseNoChanges(earlier: SourceSchema, later: SourceSchema): void {
  if (!isRetractable(earlier) || isRetractable(later)) return;
  throw new AsofError(
    'type_mismatch',
    `Logged rows of '${later.name}' take others back, but it declares no changes now, and is no table.`,
    {
      path: `sources.${later.name}.changes`,
      remedy: 'Declare changes again, or give the source a new name.',
    },
  );
}

function refuseChangedType(earlier: SourceSchema, later: SourceSchema): void {
  for (const column of later.columns) {
    const before = earlier.columns.find((candidate) => candidate.name === column.name);
    if (before === undefined) continue;
    if (typesOf(later, column).some((type) => sameType(type, before.type))) continue;
    const was = typeText(before.type);
    const name = presentName(column);
    const version = newestVersion(later) + 1;
    const widen = `{ version: ${version}, widen: { ${name}: ${was.replace(/^(int64|float64)$/, '$1()')} } }`;
    throw new AsofError(
      'type_mismatch',
      `Column '${name}' of '${later.name}' was ${was} in logged events; ` +
        `now it is ${typeText(column.type)}.`,
      {
        path: `sources.${later.name}.columns.${name}`,
        remedy: isWidening(before.type, column.type)
          ? `Declare it: evolution: [${widen}].`
          : 'Give the new type a new column name.',
      },
    );
  }
}
