import { createServer, type Server, Socket } from 'node:net';
import type { Random } from '../../src/base/random.ts';

/** What the network between a client and a server does. */
export type NetworkFault =
  | 'well'
  /** Every piece of an answer comes later, and in smaller pieces. */
  | 'slow'
  /** Connections end in the midst of an answer. */
  | 'cut'
  /** A part of an answer comes, and then nothing more. */
  | 'half'
  /** Connections are taken, and nothing ever comes back. */
  | 'black hole'
  /** Bytes of answers are others. */
  | 'garbage'
  /** Connections end as soon as they are made. */
  | 'refused';

/** A loopback proxy in front of a server, for clients to be tested against a bad network. */
export class TcpProxy {
  fault: NetworkFault = 'well';
  /** Connections that were made. */
  connections = 0;
  readonly #random: Random;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, random: Random) {
    this.#random = random;
    this.#server = createServer((client) => this.#connect(client, targetPort));
  }

  /** Listens on a free port in front of `targetPort` of this machine. */
  static async start(targetPort: number, random: Random): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort, random);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Ends all connections that there are. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #connect(client: Socket, targetPort: number): void {
    this.connections += 1;
    this.#keep(client);
    if (this.fault === 'refused') {
      client.destroy();
      return;
    }
    const target = new Socket();
    this.#keep(target);
    target.connect(targetPort, '127.0.0.1');
    client.on('data', (bytes) => target.write(bytes));
    target.on('data', (bytes) => this.#answer(client, bytes));
    client.on('close', () => target.destroy());
    target.on('close', () => client.end());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #answer(client: Socket, bytes: Buffer): void {
    const random = this.#random;
    switch (this.fault) {
      case 'well':
        client.write(bytes);
        return;
      case 'slow': {
        const at = random.below(bytes.length + 1);
        setTimeout(() => client.write(bytes.subarray(0, at)), 5 + random.below(20));
        setTimeout(() => client.write(bytes.subarray(at)), 30 + random.below(30));
        return;
      }
      case 'cut':
        client.write(bytes.subarray(0, random.below(bytes.length)), () => client.destroy());
        return;
      case 'half':
        client.write(bytes.subarray(0, random.below(bytes.length)));
        this.fault = 'black hole';
        return;
      case 'garbage': {
        const changed = Buffer.from(bytes);
        for (let i = 0; i < changed.length; i++) {
          if (random.below(8) === 0) changed[i] = random.below(256);
        }
        client.write(changed);
        return;
      }
      case 'black hole':
      case 'refused':
        return;
    }
  }
}
