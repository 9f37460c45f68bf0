import { AsofError, ERRORS, type ErrorCode } from '../../base/errors.ts';
import type { Pause } from '../../base/pause.ts';
import type { ForgetRecord } from './record.ts';
import type { ForgetRequest } from './request.ts';
import type { Watching } from './world.ts';

const LOOK_MS = 250;

/** Has a server forget somebody, and waits for its record. */
export class ForgetClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pause: Pause;

  /** @param headers say who asks, where access control is on */
  constructor(url: string, headers: Readonly<Record<string, string>>, pause: Pause) {
    this.#url = url.replace(/\/+$/, '');
    this.#headers = headers;
    this.#pause = pause;
  }

  /** @throws AsofError the server's own, or `server_unreachable`: then it goes on all the same */
  async run(request: ForgetRequest, { onProgress }: Watching): Promise<ForgetRecord> {
    const { id } = await this.#call('POST', '/v1/forget', JSON.stringify(request));
    for (;;) {
      const { record, progress } = await this.#call('GET', `/v1/forget/${String(id)}`);
      if (isRecord(record)) return record;
      if (isProgress(progress)) onProgress?.(progress.step, progress.done, progress.of);
      await this.#pause(LOOK_MS);
    }
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
  ): Promise<Record<string, unknown>> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: { ...this.#headers, ...(body && { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      throw new AsofError('server_unreachable', `No server answers at ${this.#url}.`, { cause });
    }
    const answer: unknown = await response.json();
    const fields = typeof answer === 'object' && answer !== null ? { ...answer } : {};
    if (response.ok) return fields;
    throw errorOf('error' in fields ? fields.error : null, response.status);
  }
}

function errorOf(error: unknown, status: number): AsofError {
  const text = (name: string): string | undefined => {
    const found: unknown =
      typeof error === 'object' && error !== null ? Reflect.get(error, name) : '';
    return typeof found === 'string' && found !== '' ? found : undefined;
  };
  const code = text('code') ?? '';
  const remedy = text('remedy');
  return new AsofError(
    isCode(code) ? code : 'internal',
    text('message') ?? `The server answered ${status}.`,
    remedy === undefined ? {} : { remedy },
  );
}

function isCode(code: string): code is ErrorCode {
  return code in ERRORS;
}

function isRecord(value: unknown): value is ForgetRecord {
  return typeof value === 'object' && value !== null && 'digest' in value && 'scan' in value;
}

function isProgress(value: unknown): value is { step: string; done: number; of: number } {
  return typeof value === 'object' && value !== null && 'step' in value && 'of' in value;
}
