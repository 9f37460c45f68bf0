import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Days of data to replay by default; all of it has 181. */
const QUICK_DAYS = 21;

export interface Flight {
  readonly origin: string;
  readonly destination: string;
  readonly departsMs: number;
}

export interface FlightData {
  readonly connection: DuckDBConnection;
  readonly events: number;
  /** NDJSON bodies of about `rows` events each, in the order in which the delays became known. */
  bodies(rows: number): AsyncGenerator<{ body: string; rows: number; untilMs: number }>;
  /** A flight that departs soon after a time: one whose lateness a model would be asked for. */
  nextDepartures(afterMs: number, limit: number): Promise<Flight[]>;
  /** Writes where airports are, as a table with a history. */
  writeAirports(path: string): Promise<void>;
}

/** A file that ships inside the npm package `vega-datasets`: three million flights, and airports. */
export function vegaFile(file: 'flights-3m.parquet' | 'airports.csv'): string {
  const entry = fileURLToPath(import.meta.resolve('vega-datasets'));
  const name = 'vega-datasets';
  const root = entry.slice(0, entry.lastIndexOf(name) + name.length);
  return join(root, 'data', file);
}

/**
 * The delay of a flight is known once it has arrived late, at `date + max(delay, 0)`; the time
 * zone of the data is taken as UTC throughout.
 */
export async function openFlights(full: boolean): Promise<FlightData> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  const until = full ? '' : `WHERE date < TIMESTAMP '2001-01-01' + INTERVAL ${QUICK_DAYS} DAY`;
  await connection.run(`
    CREATE TABLE flights AS
    SELECT row_number() OVER (ORDER BY known, departs, origin, destination, delay, distance) AS nr,
           *
    FROM (
      SELECT epoch_ms(date) AS departs, epoch_ms(date) + greatest(delay, 0) * 60000 AS known,
             delay, distance, origin, destination
      FROM '${vegaFile('flights-3m.parquet')}' ${until})
    ORDER BY nr`);
  const [row] = (await connection.runAndReadAll('SELECT count(*) AS n FROM flights')).getRowsJson();
  return {
    connection,
    events: Number(row?.[0]),
    bodies: (rows) => bodies(connection, rows),
    nextDepartures: (afterMs, limit) => nextDepartures(connection, afterMs, limit),
    writeAirports: (path) => writeAirports(connection, path),
  };
}

async function* bodies(
  connection: DuckDBConnection,
  rows: number,
): AsyncGenerator<{ body: string; rows: number; untilMs: number }> {
  for (let from = 0; ; from += rows) {
    const result = await connection.runAndReadAll(`
      SELECT string_agg(
               '{"flight":"F' || nr || '","origin":"' || origin || '","destination":"' ||
               destination || '","delay":' || delay || ',"distance":' || distance ||
               ',"departs":' || departs || ',"known":' || known || '}', chr(10) ORDER BY nr),
             count(*), max(known)
      FROM flights WHERE nr > ${from} AND nr <= ${from + rows}`);
    const [body, count, untilMs] = result.getRowsJson()[0] ?? [];
    if (Number(count) === 0) return;
    yield { body: String(body), rows: Number(count), untilMs: Number(untilMs) };
  }
}

async function nextDepartures(
  connection: DuckDBConnection,
  afterMs: number,
  limit: number,
): Promise<Flight[]> {
  const result = await connection.runAndReadAll(`
    SELECT origin, destination, departs FROM flights
    WHERE departs > ${afterMs} AND departs <= ${afterMs + 1_800_000}
    ORDER BY hash(nr) LIMIT ${limit}`);
  return result.getRowsJson().map(([origin, destination, departs]) => ({
    origin: String(origin),
    destination: String(destination),
    departsMs: Number(departs),
  }));
}

/** The file says no times: airports are taken to be where they are, and known, since 2000. */
async function writeAirports(connection: DuckDBConnection, path: string): Promise<void> {
  await connection.run(`
    COPY (
      SELECT iata, state, latitude, longitude, '2000-01-01T00:00:00Z' AS since,
             '2000-01-01T00:00:00Z' AS known
      FROM '${vegaFile('airports.csv')}'
    ) TO '${path}' (FORMAT csv)`);
}

/** Reads a training set back, in time order: numbers or nulls, and the label. */
export async function readTrainingSet(
  connection: DuckDBConnection,
  path: string,
  features: readonly string[],
): Promise<{ features: (number | null)[]; late: boolean }[]> {
  const columns = features.map((name) => `"${name}"::DOUBLE`).join(', ');
  const result = await connection.runAndReadAll(
    `SELECT late, ${columns} FROM '${path}' ORDER BY event_time, flight`,
  );
  return result.getRows().map(([late, ...values]) => ({
    features: values.map((value) => (value === null ? null : Number(value))),
    late: late === true,
  }));
}
