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

/** SQLSTATE classes of a server that cannot be reached, stops, starts, fails, or only reads. */
const AWAY = /^(08|53|57P|57014|55P03|25P03|25006|40|58)/;
/** What the network says. */
const NETWORK = /^(ECONN|EPIPE|ENOENT|EACCES|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/;
const NETWORK_TEXT = /timeout|terminated|not queryable|ended|closed/i;
/** What is wrong with the user or the database of a URL; a password that it lacks has no code. */
const LOGIN = /^(28|3D)/;
const LOGIN_TEXT = /^SASL:/;
/** What the user may not do; a schema that it may not even look into is none to it. */
const RIGHTS = /^(42501|3F000)/;
/** What is wrong with TLS: certificates, and files of them that the URL names. */
const TLS = /CERT|SSL|TLS|^UNABLE_TO_|^INVALID_CA|^EPROTO|^ENOENT|^EACCES/;
const TLS_TEXT = /SSL|certificate/i;

/**
 * What PostgreSQL or the way to it says, in the terms of the table of errors. The URL has a secret:
 * only the host is told.
 */
export function postgresError(cause: unknown, host: string): unknown {
  if (!(cause instanceof Error) || cause instanceof AsofError) return cause;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const reason = code === '' ? cause.message : `${cause.message} (${code})`;
  const refused = refusal(cause, code, host);
  if (refused !== null) {
    return new AsofError('registry_away', refused.text, {
      cause: withoutSecrets(cause),
      remedy: refused.remedy,
    });
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

/** What somebody has to mend before the registry can be used; null of all else. */
function refusal(
  { message }: Error,
  code: string,
  host: string,
): { readonly text: string; readonly remedy: string } | null {
  if (LOGIN.test(code) || (code === '' && LOGIN_TEXT.test(message))) {
    return {
      text: `PostgreSQL at ${host} refuses the registry's user or database: ${code || message}.`,
      remedy: 'Check the URL of the registry: user, password and database.',
    };
  }
  if (RIGHTS.test(code)) {
    return {
      text: `PostgreSQL at ${host} does not let the registry's user do it: ${message} (${code}).`,
      remedy: 'Give the user the right to create the schema, or a schema that is its own.',
    };
  }
  const isSocket = message.startsWith('connect ');
  if (!isSocket && (TLS.test(code) || (code === '' && TLS_TEXT.test(message)))) {
    return {
      text: `There is no secure connection to PostgreSQL at ${host}: ${message}.`,
      remedy: 'Check `sslmode` and the certificates that the URL of the registry names.',
    };
  }
  return null;
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
