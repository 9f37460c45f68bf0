import { AsofError } from '../../base/errors.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { type FenceBook, FORGOTTEN_MESSAGE, OPEN_FENCE } from '../../ingest/fence.ts';
import { scalarSql } from '../../ingest/scalar-sql.ts';
import { tokenSql } from '../../ingest/token-function.ts';
import { tokenizedColumns } from '../../plan/personal-columns.ts';
import { duckDbType } from '../../schema/duckdb-type.ts';
import { presentName } from '../../schema/evolution.ts';
import { namespaceOf, SNAPSHOT_TIME_COLUMN, UNIT_COLUMN } from '../../schema/types.ts';
import { requireFit, zonesSql } from './column-fit.ts';
import { StagedFence } from './staged-fence.ts';
import { STAGE, type StagedPart } from './staged-part.ts';
import type { TableSource } from './table-source.ts';
import { unitSql } from './unit-name.ts';
import type { UpstreamRows } from './upstream-rows.ts';
import type { MatchedColumn, SchemaMatch } from './upstream-schema.ts';

/**
 * Upstream rows as the log will hold them, beside what is wrong with those that it will not: a
 * table of the session, filled part by part.
 */
export class Stage {
  readonly #session: DuckDbSession;
  readonly #table: TableSource;
  readonly #fence: StagedFence | null;
  #parts: StagedPart[] = [];
  #rows = 0;

  /** @param fences who was forgotten, and may not come back */
  constructor(session: DuckDbSession, table: TableSource, fences: FenceBook = OPEN_FENCE) {
    this.#session = session;
    this.#table = table;
    this.#fence = StagedFence.of(session, table, fences);
    if (tokenizedColumns(table.source).length > 0) session.requireTokens(table.source.name);
  }

  get parts(): readonly StagedPart[] {
    return this.#parts;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Begins anew, with nothing staged. */
  async clear(): Promise<void> {
    const columns = this.#table.source.columns.map(
      ({ name, type }) => `${sqlName(name)} ${duckDbType(type)}`,
    );
    this.#parts = [];
    this.#rows = 0;
    await this.#session.run(
      `CREATE OR REPLACE TEMP TABLE ${STAGE} (__part INTEGER, __row BIGINT, __problem INTEGER,
         __raw VARCHAR, __zones INTEGER, ${columns.join(', ')})`,
    );
  }

  /** What is staged now, to come back to. */
  mark(): number {
    return this.#parts.length;
  }

  /** Forgets the parts behind a mark. */
  async backTo(mark: number): Promise<void> {
    if (this.#parts.length === mark) return;
    this.#parts = this.#parts.slice(0, mark);
    await this.#session.run(`DELETE FROM ${STAGE} WHERE __part >= ${mark}`);
    const [row] = await this.#session.rows(`SELECT count(*) FROM ${STAGE}`);
    this.#rows = Number(row?.[0] ?? 0);
  }

  /**
   * Reads one part; `unit` is the unit of its rows unless a column says it. Where this throws,
   * nothing of the part is staged.
   * @throws AsofError `upstream_schema`, `rows_lost`, `upstream_changed`
   */
  async add(unit: string, rows: UpstreamRows, match: SchemaMatch): Promise<void> {
    const part = this.#parts.length;
    const checks = this.#checks(rows, match);
    const before = this.#rows;
    try {
      await this.#session.run(this.#insertSql(part, unit, rows, match, checks));
      const refused = await rows.refused();
      const counted = await this.#count(part);
      if (rows.expectedRows !== null && rows.expectedRows !== counted) {
        const message = `'${rows.what}' has ${rows.expectedRows} rows by its own count; ${counted} were read.`;
        throw new AsofError('rows_lost', message, { path: rows.what });
      }
      await requireFit(this.#session, { part, rows: counted, upstream: rows, match, checks });
      await this.#fence?.apply(part, checks.length);
      this.#parts.push({
        ...{
          part,
          what: rows.what,
          checks: [...checks, FORGOTTEN],
          placeOf: rows.placeOf,
          refused,
          unit,
        },
        rows: counted + refused.length,
      });
      this.#rows += counted;
    } catch (error) {
      this.#rows = before;
      await this.#session.run(`DELETE FROM ${STAGE} WHERE __part = ${part}`);
      throw error;
    }
  }

  async #count(part: number): Promise<number> {
    const [row] = await this.#session.rows(`SELECT count(*) FROM ${STAGE} WHERE __part = ${part}`);
    return Number(row?.[0] ?? 0);
  }

  #checks(rows: UpstreamRows, match: SchemaMatch): StagedPart['checks'] {
    const { source, origin, unitBy } = this.#table;
    const ofRows = rows.rowChecks.map((check) => ({ ...check, column: null }));
    const ofColumns = match.columns.flatMap((matched) =>
      matched
        .checks(matched.cell, valueName(matched))
        .map((check) => ({ ...check, column: presentName(matched.column) })),
    );
    const computed = { code: 'invalid_time', sql: `${sqlName(source.eventTime)} IS NULL` } as const;
    const ofSnapshot =
      origin.snapshot === null
        ? []
        : [{ ...computed, column: origin.snapshot.dayColumn, message: 'This is no day.' }];
    const nullUnit = { code: 'missing_column', sql: `${UNIT_COLUMN} IS NULL` } as const;
    const ofUnit =
      unitBy === null ? [] : [{ ...nullUnit, column: unitBy, message: 'It names the unit.' }];
    return [...ofRows, ...ofColumns, ...ofSnapshot, ...ofUnit];
  }

  #insertSql(
    part: number,
    unit: string,
    rows: UpstreamRows,
    match: SchemaMatch,
    checks: StagedPart['checks'],
  ): string {
    const { source, origin } = this.#table;
    const values = match.columns.map((one) => `${one.value(one.cell)} AS ${valueName(one)}`);
    const byName = new Map(match.columns.map((one) => [one.column.name, valueName(one)]));
    // What is staged is compared with what is live, and sent: tokens are made before.
    const tokenized = new Set(tokenizedColumns(source));
    const domain = namespaceOf(source.name);
    const outer = source.columns.map(({ name, type, default: given = null }) => {
      if (name === SNAPSHOT_TIME_COLUMN || name === UNIT_COLUMN) return name;
      const read = byName.get(name) ?? 'NULL';
      const value = given === null ? read : `coalesce(${read}, ${scalarSql(given, type)})`;
      return `${tokenized.has(name) ? tokenSql(domain, value) : value} AS ${sqlName(name)}`;
    });
    const named = this.#isUnitTold() ? sqlString(unit) : this.#unitSql(byName);
    const computed = [`${named} AS ${UNIT_COLUMN}`];
    if (origin.snapshot !== null) {
      const day = byName.get(origin.snapshot.dayColumn) ?? 'NULL';
      const isText = match.columns.some(
        ({ column }) => column.name === origin.snapshot?.dayColumn && column.type.kind === 'string',
      );
      computed.push(
        `${dayMs(day, isText)} + ${origin.snapshot.offsetMs} AS ${SNAPSHOT_TIME_COLUMN}`,
      );
    }
    const cases = checks.map(({ sql }, i) => `WHEN ${sql} THEN ${i}`);
    const problem = cases.length === 0 ? 'NULL::INTEGER' : `CASE ${cases.join('\n ')} END`;
    return `INSERT INTO ${STAGE}
      SELECT ${part}, __row, __problem, CASE WHEN __problem IS NOT NULL THEN ${rows.raw} END,
        ${zonesSql(match)},
        ${outer.join(', ')}
      FROM (SELECT *, ${problem} AS __problem
        FROM (SELECT *, ${computed.join(', ')}
          FROM (SELECT *, ${values.join(',\n ')} FROM ${rows.relation})))`;
  }

  /** A hive folder names its unit, as a file does; any other column tells it row by row. */
  #isUnitTold(): boolean {
    const { unitBy, origin } = this.#table;
    const hive = origin.from.kind === 'files' ? origin.from.hive : [];
    return unitBy === null || hive.includes(unitBy);
  }

  #unitSql(byName: ReadonlyMap<string, string>): string {
    const { unitBy, source } = this.#table;
    const column = source.columns.find(({ name }) => name === unitBy);
    return column === undefined ? 'NULL' : unitSql(column.type, byName.get(column.name) ?? 'NULL');
  }
}

/** What forgotten rows fail, which no statement on columns can tell. */
const FORGOTTEN: StagedPart['checks'][number] = {
  ...({ code: 'forgotten', sql: 'FALSE' } as const),
  ...{ column: null, message: FORGOTTEN_MESSAGE },
};

function valueName({ column }: MatchedColumn): string {
  return sqlName(`__value_${column.name}`);
}

/** UTC midnight of a day. */
function dayMs(value: string, isText: boolean): string {
  if (!isText) return `(${value} // 86400000) * 86400000`;
  const isDay = `regexp_full_match(${value}, '[0-9]{4}-[0-9]{2}-[0-9]{2}')`;
  return `CASE WHEN ${isDay} THEN epoch_ms(CAST(TRY_CAST(${value} AS DATE) AS TIMESTAMP)) END`;
}
