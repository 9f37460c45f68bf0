import { connect, type Socket } from 'node:net';
import { present } from '../src/base/assert.ts';

const HEADER_END = Buffer.from('\r\n\r\n');
const LENGTH = /content-length: (\d+)/i;
const ANSWERED = /^HTTP\/1\.1 200 /;

/** Sends one prepared request at a time. */
export interface LoadConnection {
  start(request: Buffer, done: () => void): void;
  close(): void;
}

/** Connections that send prepared requests, as cheaply as Node allows. */
export class HttpLoad {
  readonly #connections: readonly LoadConnection[];

  constructor(connections: readonly LoadConnection[]) {
    this.#connections = connections;
  }

  /** @param expected heads of answers; what answers otherwise ends the benchmark */
  static async open(url: string, connections: number, expected = ANSWERED): Promise<HttpLoad> {
    const { hostname, port } = new URL(url);
    const opening = Array.from({ length: connections }, () =>
      Connection.open(hostname, Number(port), expected),
    );
    return new HttpLoad(await Promise.all(opening));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Sends `count` requests, each connection the next as soon as it has its answer. */
  async closedLoop(requests: readonly Buffer[], count: number): Promise<void> {
    let next = 0;
    const work = async (connection: LoadConnection): Promise<void> => {
      while (next < count) {
        const request = present(requests[next % requests.length], 'there are requests');
        next += 1;
        await new Promise<void>((done) => connection.start(request, done));
      }
    };
    await Promise.all(this.#connections.map(work));
  }

  /**
   * Sends requests at a steady rate, whatever the answers do, and gives each one's latency in
   * milliseconds from the moment it was due: waiting for a connection counts.
   */
  async openLoop(requests: readonly Buffer[], perSecond: number, count: number): Promise<number[]> {
    const idle = [...this.#connections];
    const latencies: number[] = [];
    const startMs = performance.now();
    const dueMs = (index: number): number => startMs + (index * 1000) / perSecond;
    let sent = 0;
    while (latencies.length < count) {
      while (sent < count && idle.length > 0 && dueMs(sent) <= performance.now()) {
        const connection = present(idle.pop(), 'a connection is idle');
        const index = sent;
        sent += 1;
        connection.start(present(requests[index % requests.length], 'there are requests'), () => {
          latencies.push(performance.now() - dueMs(index));
          idle.push(connection);
        });
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return latencies;
  }
}

class Connection implements LoadConnection {
  readonly #socket: Socket;
  #done: (() => void) | null = null;
  #missingBytes = -1;
  #isClosing = false;
  readonly #expected: RegExp;

  private constructor(socket: Socket, expected: RegExp) {
    this.#socket = socket;
    this.#expected = expected;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => {
      throw error;
    });
    socket.on('close', () => {
      if (!this.#isClosing) throw new Error('the server closed a connection');
    });
  }

  static open(host: string, port: number, expected: RegExp): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, () =>
        resolve(new Connection(socket, expected)),
      );
      socket.once('error', reject);
    });
  }

  start(request: Buffer, done: () => void): void {
    this.#done = done;
    this.#socket.write(request);
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    if (this.#missingBytes < 0) {
      const end = bytes.indexOf(HEADER_END);
      const head = bytes.toString('latin1', 0, end);
      const length = LENGTH.exec(head)?.[1];
      if (end < 0 || length === undefined || !this.#expected.test(head)) {
        throw new Error(`the server answered: ${bytes.toString('latin1', 0, 500)}`);
      }
      this.#missingBytes = Number(length) - (bytes.length - end - HEADER_END.length);
    } else this.#missingBytes -= bytes.length;
    if (this.#missingBytes > 0) return;
    this.#missingBytes = -1;
    const done = this.#done;
    this.#done = null;
    done?.();
  }
}
