import type { ErrorCode } from '../base/errors.ts';

/** A rejected row as it is kept. */
export interface Letter {
  readonly arrivalTimeMs: number;
  readonly code: ErrorCode;
  readonly column: string | null;
  readonly message: string;
  /** The row as it was sent; bytes that are no UTF-8 stay bytes. */
  readonly raw: string | Uint8Array;
  /** Where a connector read the row; absent for rows that were pushed. */
  readonly origin?: LetterOrigin;
}

export interface LetterOrigin {
  readonly connector: string;
  /** The lane's batch that held the row, from 1. */
  readonly batch: number;
  /** `flights.ndjson:17`, `orders/3/4711`. */
  readonly place: string;
}

interface LetterLine {
  readonly at: number;
  readonly code: ErrorCode;
  readonly column: string | null;
  readonly message: string;
  readonly row?: string;
  readonly base64?: string;
  readonly origin?: LetterOrigin;
}

/** A letter as one line of JSON. */
export function encodeLetter(letter: Letter): string {
  const { arrivalTimeMs, code, column, message, raw, origin } = letter;
  const row =
    typeof raw === 'string' ? { row: raw } : { base64: Buffer.from(raw).toString('base64') };
  return JSON.stringify({ at: arrivalTimeMs, code, column, message, ...row, origin });
}

/** Null for a line that a crash left damaged. */
export function decodeLetter(line: string): Letter | null {
  let parsed: LetterLine;
  try {
    parsed = JSON.parse(line) as LetterLine;
  } catch {
    return null;
  }
  const { at, code, column, message, row, base64, origin } = parsed;
  const raw = base64 === undefined ? (row ?? '') : new Uint8Array(Buffer.from(base64, 'base64'));
  const letter = { arrivalTimeMs: at, code, column, message, raw };
  return origin === undefined ? letter : { ...letter, origin };
}
