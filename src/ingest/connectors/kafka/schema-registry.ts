import { AsofError } from '../../../base/errors.ts';

/** A schema as a registry holds it; its id never means another one. */
export interface RegisteredSchema {
  readonly type: 'AVRO' | 'PROTOBUF' | 'JSON';
  readonly text: string;
  /** Names of other schemas that it needs. */
  readonly references: number;
}

/** @throws AsofError `source_unreachable`; null if the registry has no schema of this id */
export type SchemaById = (id: number) => Promise<RegisteredSchema | null>;

export interface RegistryOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMs: number;
}

/** Asks a registry with the interface of Confluent's. */
export function httpRegistry(options: RegistryOptions): SchemaById {
  const { url, username, password = '', timeoutMs } = options;
  const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json' };
  if (username !== undefined) {
    const credentials = Buffer.from(`${username}:${password}`).toString('base64');
    headers.authorization = `Basic ${credentials}`;
  }
  return async (id) => {
    const address = new URL(`schemas/ids/${id}`, url.endsWith('/') ? url : `${url}/`);
    let answer: Response;
    let body: unknown;
    try {
      answer = await fetch(address, { headers, signal: AbortSignal.timeout(timeoutMs) });
      body = await answer.json();
    } catch (cause) {
      throw unreachable(url, cause instanceof Error ? cause.message : String(cause), cause);
    }
    if (answer.status === 404) return null;
    if (!answer.ok) throw unreachable(url, `status ${answer.status}`);
    return readSchema(body) ?? fail(url, id);
  };
}

function unreachable(url: string, reason: string, cause?: unknown): AsofError {
  return new AsofError('source_unreachable', `The schema registry does not answer: ${reason}.`, {
    path: url,
    cause,
  });
}

function fail(url: string, id: number): never {
  throw unreachable(url, `schema ${id} is of no known form`);
}

function readSchema(body: unknown): RegisteredSchema | null {
  if (typeof body !== 'object' || body === null || !('schema' in body)) return null;
  const type = 'schemaType' in body ? body.schemaType : 'AVRO';
  if (typeof body.schema !== 'string') return null;
  if (type !== 'AVRO' && type !== 'PROTOBUF' && type !== 'JSON') return null;
  const references = 'references' in body && Array.isArray(body.references) ? body.references : [];
  return { type, text: body.schema, references: references.length };
}
