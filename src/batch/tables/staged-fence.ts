import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { FenceBook, FenceRule } from '../../ingest/fence.ts';
import { fencedSql, fenceFunction } from '../../ingest/fence-function.ts';
import { STAGE } from './staged-part.ts';
import type { TableSource } from './table-source.ts';

const FENCED = 'asof_fenced_rows';

/**
 * Makes of staged rows with forgotten keys what was made of the live ones: rows that hold a key of
 * somebody else too stay without the person, and so are the same; all others are refused.
 */
export class StagedFence {
  readonly #session: DuckDbSession;
  readonly #table: TableSource;
  readonly #rules: readonly FenceRule[];

  private constructor(session: DuckDbSession, table: TableSource, rules: readonly FenceRule[]) {
    this.#session = session;
    this.#table = table;
    this.#rules = rules;
  }

  /** Null where nobody of the table was forgotten. */
  static of(session: DuckDbSession, table: TableSource, fences: FenceBook): StagedFence | null {
    const names = new Set(table.source.columns.map(({ name }) => name));
    const rules = fences.rules.filter(
      ({ source, columns }) =>
        source === table.source.name && columns.every((column) => names.has(column)),
    );
    if (rules.length === 0) return null;
    session.connection.registerScalarFunction(fenceFunction(fences, rules));
    return new StagedFence(session, table, rules);
  }

  /** @param problem the number of the check that refused rows fail */
  async apply(part: number, problem: number): Promise<void> {
    const { eventTime } = this.#table.source;
    const flags = this.#rules.map((rule, at) => `${fencedSql(at, rule, eventTime)} AS f${at}`);
    const anyFlag = this.#rules.map((_, at) => `f${at}`).join(' OR ');
    await this.#session.run(
      `CREATE OR REPLACE TEMP TABLE ${FENCED} AS SELECT * FROM (
         SELECT rowid AS __r, ${flags.join(', ')} FROM ${STAGE}
         WHERE __part = ${part} AND __problem IS NULL) WHERE ${anyFlag}`,
    );
    const assignments = [
      `__problem = CASE WHEN ${this.#staysSql()} THEN NULL ELSE ${problem} END`,
      `__raw = CASE WHEN ${this.#staysSql()} THEN NULL ELSE '' END`,
      ...this.#emptiedSql(),
    ];
    await this.#session.run(
      `UPDATE ${STAGE} SET ${assignments.join(', ')} FROM ${FENCED} WHERE ${STAGE}.rowid = __r;
       DROP TABLE ${FENCED}`,
    );
  }

  /** Whether a row holds a whole key that no rule which keeps it out empties. */
  #staysSql(): string {
    const rest = this.#rules.flatMap((rule) => rule.rest ?? []);
    const places = new Map(
      rest.flatMap(({ places: all }) => all.map((one) => [one.join('\n'), one])),
    );
    const left = [...places.values()]
      .filter((place) => place.every((name) => this.#has(name)))
      .map((place) => {
        const whole = place.map((name) => `nullif(${sqlName(name)}::VARCHAR, '') IS NOT NULL`);
        const broken = this.#rules.flatMap(({ rest: own }, at) => {
          const isTouched = own === undefined || place.some((name) => own.emptied.includes(name));
          return isTouched ? [`NOT f${at}`] : [];
        });
        return `(${[...whole, ...broken].join(' AND ')})`;
      });
    return left.length === 0 ? 'FALSE' : `(${left.join(' OR ')})`;
  }

  #emptiedSql(): string[] {
    const why = new Map<string, string[]>();
    this.#rules.forEach(({ rest }, at) => {
      for (const column of rest?.emptied ?? []) {
        if (this.#has(column)) why.set(column, [...(why.get(column) ?? []), `f${at}`]);
      }
    });
    return [...why].map(
      ([column, flags]) =>
        `${sqlName(column)} = CASE WHEN ${flags.join(' OR ')} THEN NULL ELSE ${sqlName(column)} END`,
    );
  }

  #has(column: string): boolean {
    return this.#table.source.columns.some(({ name }) => name === column);
  }
}
