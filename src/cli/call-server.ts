import { authorizationOf } from '../app/access/identity.ts';
import { addressIn } from '../app/data-directory.ts';
import { AsofError, ERRORS, type ErrorCode } from '../base/errors.ts';
import type { Context, RemoteOptions } from './context.ts';
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
  context: Context<RemoteOptions>,
  method: 'GET' | 'POST',
  path: string,
  call: Call = {},
): Promise<Record<string, unknown>> {
  const base = baseOf(context);
  const response = await fetchFrom(base, path, {
    method,
    headers: {
      ...authorizationOf(context.config),
      ...(call.body === undefined ? {} : { 'content-type': call.type ?? 'application/json' }),
    },
    ...(call.body === undefined ? {} : { body: call.body }),
  });
  const text = await response.text();
  const answer = parseAnswer(text);
  if ((call.expected ?? [200]).includes(response.status) && !('error' in answer)) return answer;
  throw serverError(answer, response.status, base);
}

/**
 * The body of a large answer, to be read as it comes.
 * @throws AsofError as `callServer`
 */
export async function openServer(
  context: Context<RemoteOptions>,
  path: string,
): Promise<ReadableStream<Uint8Array>> {
  const base = baseOf(context);
  const response = await fetchFrom(base, path, { headers: authorizationOf(context.config) });
  if (response.status === 200 && response.body !== null) return response.body;
  throw serverError(parseAnswer(await response.text()), response.status, base);
}

function baseOf({ config, options }: Context<RemoteOptions>): string {
  const { host, port, listen, dataDir } = config;
  const scheme = listen.tls === null ? 'http' : 'https';
  // On any free port the server alone knows which one that became, and says so in its folder.
  const told = port === 0 ? addressIn(dataDir) : null;
  return (options.url ?? told ?? `${scheme}://${host}:${port}`).replace(/\/+$/, '');
}

async function fetchFrom(base: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`${base}${path}`, init);
  } catch (cause) {
    throw new AsofError('server_unreachable', `No server answers at ${base}.`, {
      path: base,
      cause,
    });
  }
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
  if (!(code in ERRORS)) {
    return new AsofError(
      'server_unreachable',
      `${base} answered with HTTP ${status}, and not as an asof server does.`,
      { path: base, remedy: 'Check the address: something else may listen there.' },
    );
  }
  return new AsofError(code as ErrorCode, String(error?.message), {
    ...(typeof error?.path === 'string' ? { path: error.path } : {}),
    ...(typeof error?.remedy === 'string' ? { remedy: error.remedy } : {}),
    ...(Array.isArray(error?.issues) ? { issues: error.issues } : {}),
  });
}
