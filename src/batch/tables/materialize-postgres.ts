import { AsofError } from '../../base/errors.ts';
import { type PostgresFrom, postgresRows } from './postgres-rows.ts';
import { stagedUnits, type TableWork } from './table-work.ts';
import { matchUpstream } from './upstream-schema.ts';

/** The unit of a database's table, and of a query, whose rows name none. */
export const WHOLE = 'all';

/** Brings the rows of PostgreSQL: there is no telling what changed, so all of them are read. */
export async function materializePostgres(work: TableWork, from: PostgresFrom): Promise<void> {
  const { world, batch, options, rules, tally } = work;
  const url = world.postgresUrl(from.connection);
  if (url === null) {
    throw new AsofError(
      'invalid_config',
      `There is no PostgreSQL connection '${from.connection}'.`,
      {
        path: from.connection,
        remedy: `Set the environment variable ${from.connection} to its URL, or name it in \`postgres\` of asof.json.`,
      },
    );
  }
  await batch.stage.clear();
  work.begin(1);
  const rows = await postgresRows({
    ...{ session: batch.session, from, url, signal: options.signal },
    onRows: (count) => work.rowsRead(count),
  });
  const match = matchUpstream(rows.what, rows.found, rules);
  for (const name of match.extra) tally.note(`'${name}' is upstream and not declared`);
  for (const name of match.absent) tally.note(`'${name}' is missing in '${rows.what}': null`);
  await batch.stage.add(WHOLE, rows, match);
  work.unitDone(batch.stage.rows);
  await stagedUnits(work, null);
}
