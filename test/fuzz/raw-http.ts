import { connect } from 'node:net';

/** What came back, or null where the server closed the connection without a word. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** What the header says of the body; null: that it comes in chunks. */
  readonly length: number | null;
}

const PATIENCE_MS = 30_000;

/** One request, byte by byte as given, on a connection of its own that is ended after it. */
export async function exchange(port: number, request: RawRequest): Promise<RawAnswer | null> {
  const { length, body } = request;
  const bytes = await send(port, bytesOf(request), length !== null && length > body.length);
  return readAnswer(bytes);
}

function bytesOf({ method, target, headers, body, length }: RawRequest): Buffer {
  const framing =
    length === null
      ? [['transfer-encoding', 'chunked']]
      : length === 0 && body.length === 0
        ? []
        : [['content-length', String(length)]];
  const lines = [['host', 'localhost'], ...headers, ...framing, ['connection', 'close']];
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const chunk = Buffer.from(`${body.length.toString(16)}\r\n`);
  const sent = length === null ? [chunk, body, Buffer.from('\r\n0\r\n\r\n')] : [body];
  return Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${head}\r\n`, 'latin1'),
    ...sent,
  ]);
}

/** @param hangsUp whether nothing more is to come: Node takes that for somebody who hung up. */
function send(port: number, bytes: Uint8Array, hangsUp: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      if (hangsUp) socket.end();
    });
    socket.setTimeout(PATIENCE_MS, () => {
      socket.destroy();
      reject(new Error(`no answer within ${PATIENCE_MS} ms`));
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that has said what it has to say may reset what it does not read any more.
    socket.on('error', () => resolve(Buffer.concat(chunks)));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

function readAnswer(bytes: Buffer): RawAnswer | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  const rest = bytes.subarray(end + 4);
  if (status < 200) return readAnswer(rest);
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  const length = Number(headers.get('content-length') ?? rest.length);
  const body = isChunked ? joined(rest) : rest.subarray(0, length);
  return { status, headers, body: body.toString('utf8') };
}

function joined(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    const size = line < 0 ? 0 : Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
