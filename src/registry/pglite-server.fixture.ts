import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';

/** What asks for TLS, and what asks to cancel: both are answered here. */
const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;
const SYNC = 'S'.charCodeAt(0);
const QUERY = 'Q'.charCodeAt(0);
const TERMINATE = 'X'.charCodeAt(0);
const NOTIFICATION = 'A'.charCodeAt(0);

/**
 * PostgreSQL behind a socket, for several connections although it has one session: what a
 * connection sends until it waits for an answer is run as one, and a transaction keeps all others
 * waiting until its end. Whoever sends LISTEN is told of notices.
 */
export class PgliteServer {
  readonly #db: PGlite;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #turn: Promise<void> = Promise.resolve();

  private constructor(db: PGlite) {
    this.#db = db;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** `port` 0: any that is free. */
  static async start(db: PGlite, port = 0): Promise<PgliteServer> {
    const server = new PgliteServer(db);
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `postgres://postgres:secret-of-the-url@127.0.0.1:${this.port}/postgres?sslmode=disable`;
  }

  /** All connections break, as if the server was killed; the database stays. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections) connection.socket.destroy();
    await closed;
    await this.#turn;
  }

  #accept(socket: Socket): void {
    const connection: Connection = {
      socket,
      bytes: Buffer.alloc(0),
      isReady: false,
      listens: false,
      batch: [],
      release: null,
      work: Promise.resolve(),
    };
    this.#connections.add(connection);
    socket.on('data', (data) => {
      connection.bytes = Buffer.concat([connection.bytes, data]);
      this.#take(connection);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#connections.delete(connection);
      connection.work = connection.work.then(() => this.#giveUp(connection));
    });
  }

  /** Cuts what came into messages, and gives whole batches on. */
  #take(connection: Connection): void {
    for (;;) {
      const { bytes, isReady } = connection;
      // The message that begins a connection has no letter for its kind.
      const header = isReady ? 1 : 0;
      if (bytes.length < header + 4) return;
      const length = bytes.readInt32BE(header) + header;
      if (bytes.length < length) return;
      const message = bytes.subarray(0, length);
      connection.bytes = bytes.subarray(length);
      if (isReady) this.#add(connection, message, message[0]);
      else if (message.readInt32BE(4) === SSL_REQUEST) connection.socket.write('N');
      else if (message.readInt32BE(4) === CANCEL_REQUEST) connection.socket.end();
      else this.#add(connection, message, undefined);
    }
  }

  #add(connection: Connection, message: Buffer, kind: number | undefined): void {
    if (kind === TERMINATE) {
      connection.socket.end();
      return;
    }
    connection.batch.push(message);
    if (kind !== undefined && kind !== SYNC && kind !== QUERY) return;
    connection.isReady = true;
    const batch = Buffer.concat(connection.batch.splice(0));
    connection.work = connection.work.then(() => this.#run(connection, batch));
  }

  async #run(connection: Connection, batch: Buffer): Promise<void> {
    connection.release ??= await this.#nextTurn();
    if (/\bLISTEN\b/.test(batch.toString('latin1'))) connection.listens = true;
    const answer = Buffer.from(await this.#db.execProtocolRaw(batch));
    this.#tell(connection, answer);
    if (this.#db.isInTransaction()) return;
    connection.release();
    connection.release = null;
  }

  /** Notices go to whoever listens; the rest is the answer. */
  #tell(connection: Connection, answer: Buffer): void {
    const parts: Buffer[] = [];
    for (let at = 0; at + 5 <= answer.length; ) {
      const end = at + 1 + answer.readInt32BE(at + 1);
      const message = answer.subarray(at, end);
      if (message[0] !== NOTIFICATION) parts.push(message);
      else for (const one of this.#connections) if (one.listens) one.socket.write(message);
      at = end;
    }
    connection.socket.write(Buffer.concat(parts));
  }

  /** What was begun by a connection that is gone is undone. */
  async #giveUp(connection: Connection): Promise<void> {
    if (connection.release === null) return;
    if (this.#db.isInTransaction()) await this.#db.exec('ROLLBACK');
    connection.release();
    connection.release = null;
  }

  async #nextTurn(): Promise<() => void> {
    const before = this.#turn;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn.promise;
    await before;
    return turn.resolve;
  }
}

interface Connection {
  readonly socket: Socket;
  bytes: Buffer;
  /** The message that begins a connection, which has another form, has been taken. */
  isReady: boolean;
  listens: boolean;
  readonly batch: Buffer[];
  /** While it has its turn. */
  release: (() => void) | null;
  /** One batch after another. */
  work: Promise<void>;
}
