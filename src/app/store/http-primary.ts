import { stopwatchMs } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { ROWS_KEY_HEADER } from '../../http/store-routes.ts';
import type { PrimaryRead, PrimaryRows, RowsAsked } from '../../store/primary-rows.ts';
import type { Config } from '../config.ts';
import { addressIn } from '../data-directory.ts';
import { rowsKeyIn } from './rows-key.ts';

/** Where the primary is, and how a reader proves itself to it. */
export interface PrimaryPlace {
  readonly url: string;
  readonly key: string;
}

/**
 * Where the primary is by the settings, or else by the data directory; null where neither tells.
 * @param known of a worker: on this machine, past those who share its port
 */
export function primaryPlace(
  { store, dataDir }: Pick<Config, 'store' | 'dataDir'>,
  known: string | null,
): PrimaryPlace | null {
  if (known === null && store?.kind === 'redis') {
    const { primary, primaryKey } = store;
    if (primary !== null && primaryKey !== null) return { url: primary, key: primaryKey };
  }
  const [url, key] = [known ?? addressIn(dataDir), rowsKeyIn(dataDir)];
  return url === null || key === null ? null : { url, key };
}

/** The primary over the network: one request for all rows of an answer. */
export class HttpPrimary implements PrimaryRows {
  readonly #place: () => PrimaryPlace | null;

  constructor(place: () => PrimaryPlace | null) {
    this.#place = place;
  }

  async read({ rows, read }: RowsAsked, deadlineMs: number): Promise<PrimaryRead> {
    const place = this.#place();
    if (place === null) throw away('it is not known where it is');
    const leftMs = Math.min(deadlineMs - stopwatchMs(), LIMITS.publishCallMs);
    const response = await fetch(new URL('/v1/store/rows', place.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', [ROWS_KEY_HEADER]: place.key },
      body: JSON.stringify({
        rows: rows.map(({ group, key }) => ({ group, key })),
        read: read.map(([group, key, count]) => ({ group, key, count })),
      }),
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(leftMs))),
      redirect: 'error',
    }).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      (error: unknown) => {
        throw failed(error);
      },
    );
    if (response.status !== 200) throw away(`it answered ${response.status}`);
    return decoded(response.text);
  }
}

function decoded(text: string): PrimaryRead {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw failed(error);
  }
  if (!isAnswer(given)) throw away('its answer has another form');
  const { history, position, rows } = given;
  const sinceCommit = position.commit;
  return {
    ...{ history, position },
    rows: rows.map((row) =>
      row === null ? null : { body: new Uint8Array(Buffer.from(row, 'base64')), sinceCommit },
    ),
  };
}

type Answer = Pick<PrimaryRead, 'history' | 'position'> & { readonly rows: (string | null)[] };

function isAnswer(given: unknown): given is Answer {
  if (typeof given !== 'object' || given === null) return false;
  const { history, position, rows } = given as Partial<Answer>;
  return (
    typeof history === 'string' &&
    typeof position?.commit === 'number' &&
    typeof position.newestArrivalMs === 'number' &&
    typeof position.sources === 'object' &&
    Array.isArray(rows) &&
    rows.every((row) => row === null || typeof row === 'string')
  );
}

function failed(error: unknown): AsofError {
  const name = error instanceof Error ? error.name : '';
  if (name === 'TimeoutError' || name === 'AbortError') {
    return new AsofError('store_timeout', 'The primary did not answer within the deadline.');
  }
  return away(error instanceof Error ? error.message : String(error));
}

function away(why: string): AsofError {
  return new AsofError('store_unavailable', `The primary cannot be asked for rows: ${why}.`);
}
