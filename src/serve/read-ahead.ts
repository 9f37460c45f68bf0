import { LIMITS } from '../base/limits.ts';
import type { Single } from '../schema/types.ts';
import type { AskedRows } from './asked-rows.ts';

/**
 * Reads the rows of a request in parts, before it is answered: what is kept of them is found by the
 * answer, which so is made in one short step, at one time and position. What has changed meanwhile is
 * not taken from there, so no value depends on it.
 * @param timeMs of the part that is read now; null once what was compiled is not served any more
 * @param isWritten whether the JSON of each row is kept as well
 * @returns reads the next part, and says whether there is more
 */
export function readAhead(
  { contract, compiled, rows }: AskedRows,
  timeMs: () => number | null,
  isWritten: boolean,
): () => boolean {
  const { reader, writer } = contract ?? compiled;
  let at = 0;
  return () => {
    const nowMs = timeMs();
    if (nowMs === null) return false;
    const end = Math.min(rows.length, at + LIMITS.rowsPerPart);
    for (; at < end; at++) {
      reader.ahead(rows[at] as Single[], nowMs);
      if (isWritten) writer.ahead(reader);
    }
    return at < rows.length;
  };
}
