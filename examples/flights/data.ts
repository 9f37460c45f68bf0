import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Days of data to replay by default; all of it has 181. */
const QUICK_DAYS = 24;

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
  /** Writes the spine: flights with their label, `sample` of them, in no particular order. */
  writeSpine(path: string, sample: number): Promise<void>;
}

/** The three million flights that ship inside the npm package `vega-datasets`. */
export function flightsFile(): string {
  const entry = fileURLToPath(import.meta.resolve('vega-datasets'));
  const name = 'vega-datasets';
  const root = entry.slice(0, entry.lastIndexOf(name) + name.length);
  return join(root, 'data', 'flights-3m.parquet');
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
      FROM '${flightsFile()}' ${until})
    ORDER BY nr`);
  const [row] = (await connection.runAndReadAll('SELECT count(*) AS n FROM flights')).getRowsJson();
  return {
    connection,
    events: Number(row?.[0]),
    bodies: (rows) => bodies(connection, rows),
    nextDepartures: (afterMs, limit) => nextDepartures(connection, afterMs, limit),
    writeSpine: (path, sample) => writeSpine(connection, path, sample),
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

async function writeSpine(
  connection: DuckDBConnection,
  path: string,
  sample: number,
): Promise<void> {
  // The first week only warms the windows up; a hash picks rows without favour, repeatably.
  await connection.run(`
    COPY (
      SELECT 'F' || nr AS flight_nr, origin, destination,
             make_timestamp(departs * 1000) AS event_time, delay > 15 AS late
      FROM flights
      WHERE departs >= (SELECT min(departs) FROM flights) + 7 * 86400000
      ORDER BY hash(nr) LIMIT ${sample}
    ) TO '${path}' (FORMAT parquet)`);
}

/** Reads a training set back, in time order: numbers or nulls, and the label. */
export async function readTrainingSet(
  connection: DuckDBConnection,
  path: string,
  features: readonly string[],
): Promise<{ features: (number | null)[]; late: boolean }[]> {
  const columns = features.map((name) => `"${name}"::DOUBLE`).join(', ');
  const result = await connection.runAndReadAll(
    `SELECT late, ${columns} FROM '${path}' ORDER BY event_time, flight_nr`,
  );
  return result.getRows().map(([late, ...values]) => ({
    features: values.map((value) => (value === null ? null : Number(value))),
    late: late === true,
  }));
}
