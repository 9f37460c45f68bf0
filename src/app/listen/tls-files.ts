import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { AsofError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { TlsConfig } from './listen-config.ts';

/** Certificates are renewed every few weeks; they are looked at so often. */
const LOOK_MS = 10_000;

/**
 * Certificate and key as they stand in their files. They are read anew when a file changes and on
 * SIGHUP; what does not fit together is told, and what was before goes on.
 */
export class TlsFiles {
  readonly #config: TlsConfig;
  readonly #logger: Logger;
  #seen = '';
  #timer: NodeJS.Timeout | null = null;
  #onHangUp: (() => void) | null = null;
  readonly #renewed: ((options: SecureContextOptions) => void)[] = [];

  constructor(config: TlsConfig, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  /** @throws AsofError `invalid_config` for files that are not there or do not fit together */
  read(): SecureContextOptions {
    const { cert, key, ca } = this.#config;
    const seen = this.#stamp();
    try {
      const options = {
        cert: readFileSync(cert),
        key: readFileSync(key),
        ...(ca === null ? {} : { ca: readFileSync(ca) }),
        minVersion: 'TLSv1.2' as const,
      };
      createSecureContext(options);
      this.#seen = seen;
      return options;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AsofError('invalid_config', `TLS cannot be set up: ${reason}`, {
        path: 'listen.tls',
        cause,
      });
    }
  }

  /** Tells of new files from now on, until `stop`. */
  follow(renew: (options: SecureContextOptions) => void): void {
    this.#renewed.push(renew);
    if (this.#timer !== null) return;
    const look = (isAsked: boolean): void => {
      if (!isAsked && this.#stamp() === this.#seen) return;
      try {
        const options = this.read();
        for (const one of this.#renewed) one(options);
        this.#logger.info({ cert: this.#config.cert }, 'The certificate was read anew.');
      } catch (error) {
        // A certificate without its new key, for one: the next look finds both.
        this.#logger.error({ error: String(error) }, 'The certificate before goes on.');
      }
    };
    this.#timer = setInterval(() => look(false), LOOK_MS);
    this.#timer.unref();
    this.#onHangUp = () => look(true);
    process.on('SIGHUP', this.#onHangUp);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#onHangUp !== null) process.off('SIGHUP', this.#onHangUp);
    this.#timer = null;
    this.#onHangUp = null;
  }

  #stamp(): string {
    const { cert, key, ca } = this.#config;
    return [cert, key, ca]
      .map((path) => {
        if (path === null) return '';
        const found = statSync(path, { throwIfNoEntry: false });
        return found === undefined ? 'absent' : `${found.mtimeMs} ${found.size} ${found.ino}`;
      })
      .join(' / ');
  }
}
