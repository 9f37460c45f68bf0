import pino from 'pino';
import type { Logger } from '../base/logger.ts';
import type { Config } from './config.ts';

/** Structured logs, one JSON object a line, to standard error: standard output is for results. */
export function createLogger(level: Config['logLevel']): Logger {
  const log = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(2),
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}
