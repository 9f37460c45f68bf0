import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type ServedProcess, WorkerWorld } from '../test/store/worker-world.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';
import { HttpLoad } from './http-load.ts';

const USERS = 1_000;
/** As the kernel spreads connections, and not requests, two workers may get unlike parts. */
const CONNECTIONS = 16;
/** Linux counts processor time in these. */
const TICKS_PER_SECOND = 100;

/** Requests per second of two worker processes, over those of one. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const one = await Side.start(1);
  const two = await Side.start(2);
  const work = options.quick ? 4_000 : 20_000;
  try {
    const measured = await compare(
      {
        measure: 'two_workers',
        unit: 'requests/s',
        direction: 'rate',
        limitName: 'one worker: 1.7 is asked for, where there are cores for it',
        work,
        per: 1,
        rounds: options.quick ? 3 : 7,
        ours: { run: () => two.ask(work) },
        limit: { run: () => one.ask(work) },
      },
      options,
    );
    if (!options.json) {
      const micros = `${one.microsPerRequest} by one worker, ${two.microsPerRequest} by two`;
      options.write(
        `two_workers      ${availableParallelism()} cores, which the load shares; µs of processor ` +
          `time per request, all processes of the server together: ${micros}`,
      );
    }
    return [measured];
  } finally {
    await one.stop();
    await two.stop();
  }
}

/** A server with so many workers, and what it was asked. */
class Side {
  readonly #world: WorkerWorld;
  readonly #server: ServedProcess;
  readonly #load: HttpLoad;
  #seconds = 0;
  #requests = 0;

  private constructor(world: WorkerWorld, server: ServedProcess, load: HttpLoad) {
    this.#world = world;
    this.#server = server;
    this.#load = load;
  }

  static async start(workers: number): Promise<Side> {
    const world = new WorkerWorld();
    // Also where an answer that is no answer ends the benchmark.
    process.once('exit', () => world.close());
    const applied = await world.run('apply');
    if (applied.code !== 0) throw new Error(applied.text);
    const server = await world.serve('--workers', String(workers), '--port', '0');
    const clicks = Array.from({ length: 20 * USERS }, (_, i) => ({
      user: `u${i % USERS}`,
      page: `p${i % 37}`,
      cost: i,
    }));
    const commit = await server.push(clicks);
    const answer = await server.askAt('u7', commit);
    if (answer.rows[0]?.values.clicks_1h !== 20) throw new Error('the answer is wrong');
    return new Side(world, server, await HttpLoad.open(server.url, CONNECTIONS));
  }

  async ask(count: number): Promise<void> {
    const before = this.#processorSeconds();
    await this.#load.closedLoop(REQUESTS, count);
    this.#seconds += this.#processorSeconds() - before;
    this.#requests += count;
  }

  get microsPerRequest(): number {
    return Math.round((this.#seconds * 1e6) / this.#requests);
  }

  async stop(): Promise<void> {
    this.#load.close();
    await this.#server.stop();
    this.#world.close();
  }

  #processorSeconds(): number {
    const { pid } = this.#server;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return [pid, ...children.map(Number)].reduce((sum, one) => sum + secondsOf(one), 0);
  }
}

/** User and system time, the twelfth and the thirteenth field behind the name. */
function secondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const REQUESTS = Array.from({ length: USERS }, (_, i) => {
  const body = JSON.stringify({ service: 'ranking', rows: [{ user: `u${i}` }] });
  return Buffer.from(
    'POST /v1/features HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
});

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
