import type { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';
import type { EntryInput } from '../entry-pass.ts';
import type { EntrySql } from '../entry-sql.ts';
import { inOrder } from '../list-sql.ts';
import { aliased, partColumns } from '../state-sql.ts';
import { IntegerTable } from './integer-table.ts';
import { KeySweep, type SweptEntries } from './key-sweep.ts';

const ENTRIES = 'asof_sweep_entries';
const ROWS = 'asof_sweep_rows';
const KEPT = 'asof_sweep_kept';

/**
 * Entries by one walk over the events and rows of each key, in the order of their times, instead of
 * joining every row with every event: nearly linear, however hot a key is. What has to be kept of
 * the walk goes into tables; the values themselves never leave DuckDB, a walk knows their ranks.
 *
 * @param most how many entries of a list are needed at most
 */
export async function sweep(
  session: DuckDbSession,
  input: EntryInput,
  most: number,
  options: RunOptions,
): Promise<void> {
  const { tables, entry, need } = input;
  const weight = tables.group.retractable ? 'w' : '1 AS w';
  const own = `(SELECT * FROM (SELECT k, et, visible, ${weight}, ${entry.x} AS x, ${entry.y} AS y
    FROM ${tables.events}) WHERE x IS NOT NULL)`;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${ENTRIES} AS
     SELECT k, x, y, row_number() OVER (PARTITION BY k ORDER BY x ${entry.order}) - 1 AS rank
     FROM (SELECT k, x, any_value(y) AS y FROM ${own} GROUP BY k, x)`,
    options,
  );
  const [start, end] = [`s${need.window}`, `e${need.window}`];
  const walk = `SELECT k::BIGINT, r, rank, a, b, c FROM (
      SELECT k, -1::BIGINT AS r, rank, visible AS a, et AS b, w::BIGINT AS c
      FROM ${own} e JOIN ${ENTRIES} d USING (k, x)
      UNION ALL
      SELECT k, r, -1, v, ${start}, ${end} FROM ${tables.rows} WHERE ${end} > ${start})
    ORDER BY k, r >= 0, a, c, b, r`;
  await runSweep(session, walk, entry, most, options);
}

/** Drops what `sweep` made, once its answer was read. */
export async function dropSweep(session: DuckDbSession): Promise<void> {
  await session.run(`DROP TABLE ${ENTRIES}; DROP TABLE ${ROWS}; DROP TABLE ${KEPT}`);
}

async function runSweep(
  session: DuckDbSession,
  walk: string,
  entry: EntrySql,
  most: number,
  { signal }: RunOptions,
): Promise<void> {
  const writing = await session.connect();
  try {
    const rows = await IntegerTable.create(writing, ROWS, ['r', 'total', 'more']);
    const kept = await IntegerTable.create(writing, KEPT, ['r', 'k', 'place', 'rank', 'n']);
    const found = finder(entry, most);
    const sweep = new KeySweep();
    let key = -1;
    let hasBegun = false;
    for await (const chunk of session.chunks(walk)) {
      signal?.throwIfAborted();
      const [ks, rs, ranks, as, bs, cs] = integerColumns(chunk, 6);
      for (let at = 0; at < chunk.rowCount; at++) {
        const k = Number(ks?.[at]);
        if (k !== key) {
          sweep.clear();
          hasBegun = false;
          key = k;
        }
        const r = Number(rs?.[at]);
        const [a, b, c] = [Number(as?.[at]), Number(bs?.[at]), Number(cs?.[at])];
        if (r < 0) {
          sweep.addEvent(Number(ranks?.[at]), b, a, c);
          continue;
        }
        if (!hasBegun) sweep.begin();
        hasBegun = true;
        sweep.moveTo(a, b, c);
        if (sweep.gross.total === 0) continue;
        const write = (place: number, rank: number, n: number): void =>
          kept.append(r, k, place, rank, n);
        const { total, more } = found(sweep, write);
        rows.append(r, total, more ? 1 : 0);
      }
    }
    rows.close();
    kept.close();
  } finally {
    writing.close();
  }
}

/** The BIGINT columns of a chunk as they lie in memory. */
function integerColumns(chunk: DuckDBDataChunk, count: number): BigInt64Array[] {
  return Array.from({ length: count }, (_, at) => {
    const vector = bindings.data_chunk_get_vector(chunk.chunk, at);
    const { buffer, byteOffset } = bindings.vector_get_data(vector, chunk.rowCount * 8);
    return new BigInt64Array(buffer, byteOffset, chunk.rowCount);
  });
}

type Write = (place: number, rank: number, n: number) => void;
interface Found {
  /** Of a count of distinct values: how many are kept and left. */
  readonly total: number;
  readonly more: boolean;
}

/** What is to be kept of the entries that one row sees. */
function finder(entry: EntrySql, most: number): (swept: SweptEntries, write: Write) => Found {
  const size = entry.size ?? Number.POSITIVE_INFINITY;
  switch (entry.swept) {
    case 'ranks':
      return ({ weights }, write) => {
        for (const [place, ppm] of entry.ranksPpm.entries()) {
          const wanted = Math.max(
            1,
            Number((BigInt(weights.total) * BigInt(ppm) + 999_999n) / 1_000_000n),
          );
          write(place, weights.reaches(wanted), 0);
        }
        return { total: 0, more: false };
      };
    case 'distinct':
      return ({ gross, live }, write) => {
        const more = gross.total > size;
        const last = more ? gross.reaches(size) : -1;
        if (more) write(0, last, 0);
        return { total: more ? live.prefix(last + 1) : live.total, more };
      };
    case 'counts':
      return ({ gross, live, weights }, write) => {
        const more = gross.total > size;
        for (let place = 0; !more && place < live.total; place++) {
          const rank = live.reaches(place + 1);
          write(place, rank, weights.prefix(rank + 1) - weights.prefix(rank));
        }
        return { total: 0, more };
      };
    default:
      return ({ gross, live }, write) => {
        const more = gross.total > size;
        for (let place = 0; place < Math.min(most, live.total); place++) {
          const rank = live.reaches(place + 1);
          if (gross.prefix(rank + 1) > size) break;
          write(place, rank, 0);
        }
        return { total: 0, more };
      };
  }
}

/** How many entries a walk kept, of all rows. */
export async function keptEntries(session: DuckDbSession): Promise<number> {
  const [row] = await session.rows(`SELECT count(*) FROM ${KEPT}`);
  return Number(row?.[0] ?? 0);
}

/** The parts of the rows in one of `parts` shares, from what a walk kept. */
export function sweptSql({ entry, need }: EntryInput, part: number, parts: number): string {
  const names = partColumns(need, entry);
  const shareOf = (table: string): string =>
    parts === 1 ? table : `(SELECT * FROM ${table} WHERE r % ${parts} = ${part})`;
  return `SELECT h.r AS r, ${aliased(resultsOf(entry), names).join(', ')}
    FROM ${shareOf(ROWS)} h LEFT JOIN ${shareOf(KEPT)} s ON s.r = h.r
      LEFT JOIN ${ENTRIES} d ON d.k = s.k AND d.rank = s.rank
    GROUP BY h.r`;
}

/** What `EntrySql.summary` would give, from what the walk kept. */
function resultsOf(entry: EntrySql): string[] {
  const more = 'any_value(h.more) = 1';
  switch (entry.swept) {
    case 'ranks':
      return [inOrder('s.place', 'd.x')];
    case 'distinct':
      return ['any_value(h.total)', 'any_value(d.x)'];
    case 'counts': {
      const counts = 'list({value: d.x, count: s.n}) FILTER (WHERE s.place IS NOT NULL)';
      return [`list_sort(${counts})`, more];
    }
    case 'values':
      return [inOrder('s.place', 'd.y', 's.place IS NOT NULL'), more];
    default:
      return ['any_value(d.x)', more];
  }
}
