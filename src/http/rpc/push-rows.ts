import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { ColumnsBody, type PushBody } from '../../ingest/push-body.ts';
import { formatDecimal } from '../../schema/json.ts';
import type { PushRequest } from './generated/asof/v1/features_pb.ts';
import { isUnits, type SentColumn, sentColumns } from './request-columns.ts';

/**
 * The rows of a push in a form that the door reads. Typed columns become lines of JSON with every
 * digit, so that whatever came is judged, and kept if it is refused, as if it had come that way.
 * @throws AsofError `bad_request`, `too_many_rows`
 */
export function pushedRows({ body }: PushRequest): {
  readonly rows: PushBody;
  readonly bytes: number;
} {
  switch (body.case) {
    case 'ndjson':
      return { rows: body.value, bytes: body.value.length };
    case 'packedColumns':
      return { rows: new ColumnsBody(body.value), bytes: body.value.length };
    case 'columns': {
      const rows = Buffer.from(lines(sentColumns(body.value.columns, LIMITS.rowsPerPush)));
      return { rows, bytes: rows.length };
    }
    default:
      throw new AsofError('bad_request', 'The request has no rows.', {
        path: 'body',
        remedy: 'Send columns, ndjson, or packed_columns.',
      });
  }
}

function lines(columns: readonly SentColumn[]): string {
  const names = columns.map(({ name }) => JSON.stringify(name));
  const rows: string[] = [];
  for (let row = 0; row < (columns[0]?.count ?? 0); row++) {
    const fields = columns.map(({ at }, i) => `${names[i]}:${jsonText(at(row))}`);
    rows.push(`{${fields.join(',')}}`);
  }
  return rows.join('\n');
}

/** Infinite numbers have no JSON: as text they are refused by the type of their column. */
function jsonText(value: ReturnType<SentColumn['at']>): string {
  if (isUnits(value)) return JSON.stringify(formatDecimal(value.units, value.scale));
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value));
  return JSON.stringify(value);
}
