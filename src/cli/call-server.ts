import { AsofError, ERRORS, type ErrorCode } from '../base/errors.ts';
import type { CommonOptions, Context } from './context.ts';
import { parseExact } from './output.ts';

export interface Call {
  readonly body?: string;
  readonly type?: string;
  /** Statuses that are answers; any other is an error. */
  readonly expected?: readonly number[];
}

/**
 * One request to the server of this project.
 * @throws AsofError `server_unreachable`, or the server's own error
 */
export async function callServer(
  context: Context<CommonOptions & { readonly url?: string }>,
  method: 'GET' | 'POST',
  path: string,
  call: Call = {},
): Promise<Record<string, unknown>> {
  const { host, port } = context.config;
  const base = context.options.url ?? `http://${host}:${port}`;
  let response: Response;
  try {
    response = await fetch(`${base}${path}`, {
      method,
      ...(call.body === undefined
        ? {}
        : { body: call.body, headers: { 'content-type': call.type ?? 'application/json' } }),
    });
  } catch (cause) {
    throw new AsofError('server_unreachable', `No server answers at ${base}.`, {
      path: base,
      cause,
    });
  }
  const text = await response.text();
  const answer = parseAnswer(text);
  if ((call.expected ?? [200]).includes(response.status) && !('error' in answer)) return answer;
  throw serverError(answer, response.status, base);
}

function parseAnswer(text: string): Record<string, unknown> {
  try {
    const parsed = parseExact(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

function serverError(answer: Record<string, unknown>, status: number, base: string): AsofError {
  const { error } = answer as { error?: Record<string, unknown> };
  const code = String(error?.code ?? '');
  const known: ErrorCode = code in ERRORS ? (code as ErrorCode) : 'internal';
  const message = String(error?.message ?? `${base} answered with HTTP ${status}.`);
  return new AsofError(known, message, {
    ...(typeof error?.path === 'string' ? { path: error.path } : {}),
    ...(typeof error?.remedy === 'string' ? { remedy: error.remedy } : {}),
    ...(Array.isArray(error?.issues) ? { issues: error.issues } : {}),
  });
}
