import { AsofError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import { Life, SimulatedTime } from '../../src/testing/simulated-time.ts';
import type { Push } from '../conformance/generate-events.ts';
import { checkBounds } from './bounds.ts';
import { Sender } from './clients.ts';
import type { Defect } from './defects.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { Ledger } from './ledger.ts';
import { type Machine, newMachine } from './machine.ts';
import { Problems } from './problems.ts';
import { Reader } from './reader.ts';
import { Reloads } from './reloads.ts';
import type { RunResult } from './run-result.ts';
import { Server } from './server.ts';
import { settingsOf } from './settings.ts';
import { NO_STRAIN, strainOf } from './strain.ts';
import { type Ending, Trouble } from './trouble.ts';
import { Truth } from './truth.ts';
import { Weather } from './weather.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly random: Random;
  readonly whole: ProjectPlan;
  /** The same project before its other views were defined. */
  readonly first: ProjectPlan;
  /** The same with less in it: other views, fewer sources. */
  readonly parts: readonly ProjectPlan[];
  /** What a connector reads, where there is one. */
  readonly fed: Pick<FeedOptions, 'source' | 'lanes' | 'hasChanges'>;
  /** Whether more than disk, network and time goes wrong. */
  readonly isStrained: boolean;
  readonly pushes: readonly Push[];
  readonly defect: Defect;
  /** Told of all that happens, with its time. */
  readonly tell: (line: string) => void;
}

const HOUR_MS = 3_600_000;
/** Commits from one look at the bounds of the state to the next. */
const BOUNDS_EVERY = 4;
/** Tasks after which a run that does not end is stuck. */
const MOST_STEPS = 60_000;
/** Tasks after which the storm is over, wherever the run is. */
const STORM_STEPS = 4_000;
const STORM_STARTS = 30;

/** A machine, its processes one after the other, and the clients around it. */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #time: SimulatedTime;
  readonly #weather: Weather;
  readonly #problems = new Problems();
  readonly #truth: Truth;
  readonly #ledger: Ledger;
  readonly #machine: Machine;
  readonly #senders: readonly Sender[];
  readonly #reader: Reader;
  readonly #trouble: Trouble;
  readonly #reloads: Reloads;
  readonly #feed: Feed | null;
  readonly #isStrained: boolean;
  readonly #seen = new Map<string, number>();
  readonly #world = new Life();
  #plan: ProjectPlan;
  #life: Life | null = null;
  #server: Server | null = null;
  #starts = 0;

  constructor(options: SimulationOptions) {
    const { random, whole, first, parts, pushes, defect, isStrained } = options;
    this.#options = options;
    this.#isStrained = isStrained;
    this.#random = random;
    this.#time = new SimulatedTime(random, (pushes[0]?.nowMs ?? 0) - 1_000);
    const settings = settingsOf(random, whole);
    const strain = isStrained ? strainOf(random, whole, settings) : NO_STRAIN;
    const seen = (what: string, where?: string): void => this.#see(what, where);
    this.#weather = new Weather(random, this.#time, seen, strain.storeFailure);
    this.#truth = new Truth(whole.sources, this.#problems, (line) => this.#tell(line));
    this.#ledger = new Ledger(this.#truth, this.#problems);
    this.#plan = random.below(4) === 0 ? first : whole;
    const truth = this.#truth;
    this.#machine = newMachine({
      random,
      time: this.#time,
      truth,
      defect,
      faults: this.#weather.disk,
      settings,
      strain,
      seen,
      problems: this.#problems,
      tell: (line) => this.#tell(line),
      onBroken: (error) => this.#broken(error),
      onHopeless: () => this.#end('kill'),
      onApplied: (server) => {
        if (truth.lastCommit % BOUNDS_EVERY > 0) return;
        checkBounds(server, truth.events, this.#problems);
      },
    });
    const outside = {
      random,
      time: this.#time,
      weather: this.#weather,
      ledger: this.#ledger,
      server: () => this.#server,
      seen,
      mayStayFull: strain.budget?.atLimit === 'stop',
    };
    const count = 1 + random.below(4);
    this.#senders = Array.from({ length: count }, (_, i) => {
      return new Sender(
        outside,
        pushes.filter((_, at) => at % count === i),
      );
    });
    this.#reader = new Reader({ random, truth, seen, problems: this.#problems });
    this.#trouble = new Trouble({
      ...outside,
      world: this.#world,
      machine: this.#machine,
      problems: this.#problems,
      sources: whole.sources.map(({ name }) => name),
      end: (how) => this.#end(how),
    });
    const problems = this.#problems;
    const fed = strain.hasConnector ? options.fed : null;
    this.#feed =
      fed && new Feed({ ...outside, ...fed, truth, problems, logger: this.#machine.logger });
    this.#reloads = new Reloads({ ...outside, strain, world: this.#world, problems, whole, parts });
  }

  async run(): Promise<RunResult> {
    const onRejection = (reason: unknown): void => {
      if (!(reason instanceof CrashError)) this.#problems.report(`nobody caught ${reason}`);
    };
    process.on('unhandledRejection', onRejection);
    try {
      await this.#play();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#problems.report(`the run broke: ${text}`);
    } finally {
      process.off('unhandledRejection', onRejection);
    }
    return {
      seed: this.#options.seed,
      problems: this.#problems.found.slice(0, 5),
      simulatedMs: this.#time.elapsedMs,
      steps: this.#time.steps,
      events: this.#truth.events.length,
      answers: this.#reader.answers,
      seen: this.#seen,
    };
  }

  async #play(): Promise<void> {
    this.#begin();
    for (const sender of this.#senders) void sender.run();
    this.#trouble.begin();
    this.#reloads.begin();
    this.#ask();
    const stormMs = (this.#options.pushes.at(-1)?.nowMs ?? 0) + HOUR_MS;
    this.#time.after(Math.max(1, stormMs - this.#time.nowMs), this.#world, () => this.#calm());
    await this.#until('all is answered', () => this.#senders.every(({ isDone }) => isDone));
    this.#calm();
    await this.#until('all is read', () => this.#feed?.isDone !== false);
    await this.#until('the server is up', () => this.#isUp);
    await this.#checkQuiet();
    // Once more from what is on the disk, in order or by the loss of power.
    this.#end(this.#random.pick(['power', 'kill', 'close'] as const));
    await this.#until('the server is up again', () => this.#isUp && this.#life !== null);
    await this.#checkQuiet();
  }

  get #isUp(): boolean {
    return this.#server?.isReady === true;
  }

  #calm(): void {
    this.#weather.isCalm = true;
  }

  async #until(what: string, isDone: () => boolean): Promise<void> {
    const { stepCrash } = this.#weather.climate;
    const found = await this.#time.run(() => {
      if (this.#time.steps > STORM_STEPS || this.#starts > STORM_STARTS) this.#calm();
      if (this.#weather.happens(stepCrash)) this.#end(this.#random.pick(['kill', 'power']));
      return isDone() || this.#problems.any || this.#time.steps > MOST_STEPS;
    });
    if (!found || (!isDone() && !this.#problems.any)) {
      this.#problems.report(`stuck before ${what}, after ${this.#time.steps} steps`);
    }
  }

  async #checkQuiet(): Promise<void> {
    const server = this.#server;
    if (server === null || this.#problems.any) return;
    this.#ledger.checkAll();
    this.#ledger.checkLetters(server.letters);
    this.#feed?.check(server.letters);
    for (let i = 0; i < 4; i++) this.#reader.look(server);
  }

  #begin(): void {
    const life = new Life(() => this.#over());
    this.#life = life;
    this.#starts += 1;
    if (this.#isStrained) this.#plan = this.#reloads.next();
    else if (this.#random.below(3) > 0) this.#plan = this.#options.whole;
    if (this.#random.below(6) === 0) this.#plan = this.#rebalanced(this.#plan);
    this.#reader.begin();
    Server.start(this.#machine, this.#plan, life).then(
      (server) => {
        if (life.isOver) return;
        this.#server = server;
        this.#feed?.begin(server);
        this.#trouble.restoreLog();
        this.#see('a start');
      },
      (error: unknown) => this.#startFailed(life, error),
    );
  }

  /** Another number of partitions from now on. */
  #rebalanced(plan: ProjectPlan): ProjectPlan {
    this.#see('another number of partitions');
    const partitions = (): number => 1 + this.#random.below(4);
    return { ...plan, sources: plan.sources.map((one) => ({ ...one, partitions: partitions() })) };
  }

  #over(): void {
    this.#server = null;
    this.#life = null;
    const delayMs = this.#random.pick([100, 10_000, HOUR_MS]);
    this.#time.after(this.#random.below(delayMs), this.#world, () => this.#begin());
  }

  #startFailed(life: Life, error: unknown): void {
    if (life.isOver) return;
    const code = error instanceof AsofError ? error.code : null;
    const isDisk = code === 'disk_full' || code === 'disk_failed';
    // A wrong bit in the number of the format looks like a newer one.
    const isRefused = code === 'corrupt_log' || code === 'newer_format';
    if (isRefused && this.#trouble.isLogDamaged) {
      this.#see('a damaged log that was refused');
      this.#trouble.restoreLog();
    } else if (!isDisk || this.#weather.isCalm) {
      this.#problems.report(`no restart: ${error instanceof Error ? error.stack : error}`);
    } else this.#see('a start that the disk refused');
    life.end();
  }

  /** What was durable before the state broke is answered for as if it were not. */
  #broken(error: unknown): void {
    const isKnown = error instanceof AsofError || error instanceof CrashError;
    if (!isKnown) this.#problems.report(`the state broke: ${error}`);
    this.#see('a state that broke');
    this.#ledger.forgetRefusals();
  }

  #end(how: Ending): void {
    const life = this.#life;
    if (life === null) return;
    this.#see(`an end by ${how}`);
    if (how === 'close' && this.#server !== null) {
      void this.#server.close().then(() => life.end());
      return;
    }
    life.end();
    if (how !== 'power') return;
    this.#machine.disk.losePower();
    this.#machine.servedDisk.losePower();
    this.#ledger.forgetRefusals();
  }

  #ask(): void {
    const random = this.#random;
    const everyMs = random.pick([200, 30_000, HOUR_MS, 6 * HOUR_MS]);
    this.#time.after(1 + random.below(everyMs), this.#world, () => {
      if (this.#server?.isReady === true) this.#reader.look(this.#server);
      if (this.#reader.answers < 40) this.#ask();
    });
  }

  #tell(line: string): void {
    this.#options.tell(`${new Date(this.#time.nowMs).toISOString()} ${line}`);
  }

  #see(what: string, where = ''): void {
    this.#tell(`${what} ${where}`);
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1);
  }
}
