import { AsofError } from '../base/errors.ts';

/** SQLite's primary result codes, of which it says a little more in the upper bits. */
const SQLITE = {
  busy: 5,
  locked: 6,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

/** Another connection holds the lock; it may be free a moment later. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.busy || code === SQLITE.locked;
}

/** What SQLite says, in the terms of the table of errors; other errors stay what they are. */
export function sqliteError(cause: unknown, path: string): unknown {
  const code = sqliteCode(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === SQLITE.busy || code === SQLITE.locked) {
    const text = `The registry ${path} is locked by another process.`;
    return new AsofError('registry_away', text, { path, cause, remedy: 'Try again in a while.' });
  }
  if (code === SQLITE.corrupt || code === SQLITE.notADatabase) {
    return damaged(path, reason, cause);
  }
  if (code === SQLITE.full) {
    const text = `The disk of ${path} is full: nothing was changed.`;
    return new AsofError('disk_full', text, { path, cause, remedy: 'Free space, and try again.' });
  }
  if (code === SQLITE.readonly || code === SQLITE.ioError || code === SQLITE.cannotOpen) {
    const text = `Cannot use the registry ${path}: ${reason}.`;
    const remedy = 'See that the file and its folder can be written, and check the device.';
    return new AsofError('disk_failed', text, { path, cause, remedy });
  }
  return cause;
}

/** What is read is not what was written. */
export function damaged(path: string, reason: string, cause?: unknown): AsofError {
  const text = `The registry ${path} is damaged: ${reason}.`;
  return new AsofError('registry_damaged', text, {
    path,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** SQLSTATE classes of a server that cannot be reached, stops, starts, or has no place left. */
const AWAY = /^(08|53|57P|57014|55P03|25P03|40)/;
/** What the network says. */
const NETWORK = /^(ECONN|EPIPE|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/;
const NETWORK_TEXT = /timeout|terminated|not queryable|ended|closed/i;

/**
 * What PostgreSQL or the way to it says, in the terms of the table of errors. The URL has a secret:
 * only the host is told.
 */
export function postgresError(cause: unknown, host: string): unknown {
  if (!(cause instanceof Error) || cause instanceof AsofError) return cause;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const reason = code === '' ? cause.message : `${cause.message} (${code})`;
  if (/^28|^3D/.test(code)) {
    const text = `PostgreSQL at ${host} refuses the registry's user or database: ${code}.`;
    const remedy = 'Check the URL of the registry: user, password and database.';
    return new AsofError('registry_away', text, { cause: withoutSecrets(cause), remedy });
  }
  if (/^XX00[12]/.test(code)) return damaged(host, reason, withoutSecrets(cause));
  if (code === '53100') {
    const text = `The disk of PostgreSQL at ${host} is full: nothing was changed.`;
    return new AsofError('disk_full', text, { cause: withoutSecrets(cause) });
  }
  const isAway =
    AWAY.test(code) || NETWORK.test(code) || (code === '' && NETWORK_TEXT.test(cause.message));
  if (!isAway) return cause;
  const text = `PostgreSQL at ${host} does not answer for the registry: ${code || cause.message}.`;
  return new AsofError('registry_away', text, { cause: withoutSecrets(cause) });
}

/** Errors of a connection may carry its settings along, which a log would print. */
function withoutSecrets(cause: Error): Error {
  const copy = new Error(cause.message);
  if (cause.stack !== undefined) copy.stack = cause.stack;
  return copy;
}

/**
 * PostgreSQL has no character U+0000, so the registry has none anywhere.
 * @throws AsofError `usage`
 */
export function textWithoutNul(text: string): string {
  if (!text.includes('\0')) return text;
  throw new AsofError('usage', 'A text for the registry holds the character U+0000.', {
    remedy: 'Leave it out.',
  });
}
