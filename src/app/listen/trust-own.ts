import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { ListenConfig } from './listen-config.ts';

let trusted: string | null = null;

/**
 * Commands call the server of their project: they trust what its files hold, beside what is trusted
 * anyway. A file that is not there is told when the server is started.
 */
export function trustOwnServer({ tls }: ListenConfig): void {
  if (tls === null || trusted === tls.cert) return;
  try {
    // One that it signed itself stands for itself; else what signed it is in either file.
    const own = [tls.cert, ...(tls.ca === null ? [] : [tls.ca])].map((path) =>
      readFileSync(path, 'utf8'),
    );
    setDefaultCACertificates([...getCACertificates('default'), ...own]);
    trusted = tls.cert;
  } catch {
    // Then no server of this project runs with it either.
  }
}
