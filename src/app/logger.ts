import pino from 'pino';
import type { Logger } from '../base/logger.ts';
import { withoutSecrets } from '../base/secrets.ts';
import type { Config } from './config.ts';

const SECRET_FIELDS = ['authorization', 'token', 'password'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Structured logs, one JSON object a line, to standard error: standard output is for results. */
export function createLogger(level: Config['logLevel']): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS, censor: '[secret]' },
      // Also where one stands within a text, such as the message of an error.
      hooks: { streamWrite: withoutSecrets },
    },
    pino.destination(2),
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}
