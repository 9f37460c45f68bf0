import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';

interface Asked {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: [string, string][];
  readonly body: string | undefined;
}

/**
 * Makes the request of a function, if its declaration allows it: to a host that it names, within
 * its time, without following elsewhere. Answers JSON text, of the response or of what went wrong.
 */
export async function answerRequest(
  { network }: FunctionPlan,
  request: string,
  made: { count: number },
): Promise<string> {
  try {
    if (network === null) throw new Error('no network is declared');
    made.count += 1;
    const { functionRequestsPerCall } = SERVING_LIMITS;
    if (made.count > functionRequestsPerCall) {
      throw new Error(`a call makes at most ${functionRequestsPerCall} requests`);
    }
    const { url, method, headers, body } = readAsked(request);
    if (!network.hosts.includes(url.host)) throw new Error(`the host ${url.host} is not declared`);
    const response = await fetch(url, {
      ...{ method, headers, redirect: 'error', signal: AbortSignal.timeout(network.timeoutMs) },
      ...(body === undefined ? {} : { body }),
    });
    return JSON.stringify({ status: response.status, body: await boundedText(response) });
  } catch (error) {
    const { name, message, cause } = error as Error;
    const late = name === 'TimeoutError' ? `no answer within ${network?.timeoutMs} ms` : null;
    const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
    return JSON.stringify({ failed: late ?? why });
  }
}

function readAsked(request: string): Asked {
  const given: unknown = JSON.parse(request);
  if (typeof given !== 'object' || given === null) throw new Error('it is no request');
  const { url, method, headers, body } = given as Record<string, unknown>;
  const parsed = new URL(String(url));
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw new Error(`requests go by http or https, and not by ${parsed.protocol}`);
  }
  if (method !== 'GET' && method !== 'POST') throw new Error('the method is GET or POST');
  const pairs = Array.isArray(headers) ? headers : [];
  return {
    url: parsed,
    method,
    headers: pairs.map((pair: unknown) => {
      const [name, value] = Array.isArray(pair) ? pair : [];
      return [String(name), String(value)];
    }),
    body: typeof body === 'string' ? body : undefined,
  };
}

async function boundedText(response: Response): Promise<string> {
  const { functionResponseBytes } = SERVING_LIMITS;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > functionResponseBytes) {
      throw new Error(`an answer has at most ${functionResponseBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
