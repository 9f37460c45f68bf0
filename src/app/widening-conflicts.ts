import { type Issue, issue } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { sqlName } from '../ingest/archive-relation.ts';
import { widestSchemas } from '../ingest/archive-source.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { History } from '../ingest/history.ts';
import { segmentLog } from '../ingest/history-log.ts';
import { SchemaBook } from '../ingest/schema-book.ts';
import { misfitSql } from '../ingest/widening-sql.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { presentName } from '../schema/evolution.ts';
import { formatDecimal } from '../schema/json.ts';
import { type ColumnSchema, type SourceSchema, typeText } from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';

/** A column as events were logged, and as it is to be. */
interface Widened {
  readonly logged: ColumnSchema;
  readonly column: ColumnSchema;
}

/**
 * Logged values that a widened column would not hold, the first one of each: too large for the
 * places of a decimal, or for a float64 to be exact.
 */
export async function wideningConflicts(config: Config, plan: ProjectPlan): Promise<Issue[]> {
  const disk = new NodeDisk(config.dataDir);
  const widest = widestSchemas(new SchemaBook(disk).all());
  const due = plan.sources.flatMap((source) => {
    const logged = widest.get(source.name);
    const widened = logged === undefined ? [] : widenedColumns(logged, source);
    return logged === undefined || widened.length === 0 ? [] : [{ logged, widened }];
  });
  if (due.length === 0) return [];
  const schemaOf = (name: string): SourceSchema | undefined => widest.get(name);
  const log = segmentLog(disk);
  const history = await History.open({ dataDir: config.dataDir, log, schemaOf });
  const session = await DuckDbSession.open(duckDbOptions(config));
  try {
    const issues: Issue[] = [];
    for (const { logged, widened } of due) {
      const relation = await history.attach(session.connection, logged);
      for (const one of widened) {
        const found = await firstMisfit(session, relation, logged.name, one);
        if (found !== null) issues.push(found);
      }
    }
    return issues;
  } finally {
    session.close();
  }
}

function widenedColumns(logged: SourceSchema, source: SourceSchema): Widened[] {
  return source.columns.flatMap((column) => {
    const before = logged.columns.find(({ name }) => name === column.name);
    if (before === undefined || !isWidening(before.type, column.type)) return [];
    return [{ logged: before, column }];
  });
}

async function firstMisfit(
  session: DuckDbSession,
  relation: string,
  source: string,
  { logged, column }: Widened,
): Promise<Issue | null> {
  const name = sqlName(column.name);
  const [row] = await session.rows(
    `SELECT __commit, __partition, __offset, ${name} FROM ${relation}
     WHERE ${misfitSql(name, logged.type, column.type)} ORDER BY __commit, __offset LIMIT 1`,
  );
  if (row === undefined) return null;
  const [commit, partition, offset, value] = row;
  const scale = logged.type.kind === 'decimal' ? logged.type.scale : 0;
  const shown = formatDecimal(BigInt(String(value)), scale);
  const called = presentName(column);
  const place = `commit ${commit}, partition ${partition}, offset ${offset}`;
  return issue(
    'type_mismatch',
    `sources.${source}.columns.${called}`,
    `'${called}' of '${source}' cannot become ${typeText(column.type)}: ${shown} (${place}) does not fit.`,
    'Widen it to a type that holds every logged value, or give the new type a new column.',
  );
}
