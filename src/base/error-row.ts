/** Who has to act: the caller, something outside (disk, network), or we. */
export type ErrorDomain = 'user' | 'external' | 'internal';

export interface ErrorRow {
  readonly domain: ErrorDomain;
  readonly retryable: boolean;
  readonly status: number;
  readonly meaning: string;
  readonly remedy: string;
}

/** An error that its caller has to act on. */
export const user = (status: number, meaning: string, remedy: string): ErrorRow => ({
  domain: 'user',
  retryable: false,
  status,
  meaning,
  remedy,
});
