import { ManualClock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { ProjectPlan, SourcePlan } from '../../src/plan/plan.ts';
import type { ServedAnswer } from '../../src/store/serve-log.ts';
import { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { AcceptanceCheck, knowsPartition } from './acceptance-path.ts';
import { checkAnswer, serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import type { Push } from './generate-events.ts';
import { sentRow } from './generate-on-demand.ts';
import { keyOf } from './keys.ts';
import { type Ending, Platform } from './platform.ts';
import { bodyOf, pushTwice, randomDoorLimits } from './push-forms.ts';
import { checkReadmission, randomLetterFilter } from './readmission.ts';
import { ServedAnswers } from './served-answers.ts';
import type { Tally } from './tally.ts';
import { edgeAfter, randomEvent } from './times.ts';

export interface StreamCase {
  readonly random: Random;
  readonly whole: ProjectPlan;
  /** The same project before its other views were defined. */
  readonly first: ProjectPlan;
  readonly pushes: readonly Push[];
  readonly stateFolder: string;
}

export interface StreamRun {
  readonly platform: Platform;
  readonly oracle: PlatformOracle;
  readonly answers: readonly ServedAnswer[];
  readonly clock: ManualClock;
}

/**
 * Pushes, batches, checkpoints, crashes, restarts and redeliveries as they come, and questions in
 * between; every answer is checked at once, and every push against the acceptance oracle.
 */
export async function runStream(tally: Tally, one: StreamCase): Promise<StreamRun> {
  const run = new Running(tally, one);
  await run.open();
  for (const push of one.pushes) {
    await run.push(push);
    await run.disturb();
    run.ask();
  }
  await run.finish();
  return run;
}

class Running implements StreamRun {
  readonly clock: ManualClock;
  readonly platform: Platform;
  answers: readonly ServedAnswer[] = [];
  oracle: PlatformOracle;
  readonly #tally: Tally;
  readonly #case: StreamCase;
  readonly #random: Random;
  readonly #acceptance: AcceptanceCheck;
  readonly #served: ServedAnswers;
  #doorLagMs = 0;
  /** Of the present process; time does not run back within one. */
  #lastAskedMs = 0;
  #letters = 0;

  constructor(tally: Tally, one: StreamCase) {
    const { random, whole, first, pushes } = one;
    this.#tally = tally;
    this.#case = one;
    this.#random = random;
    this.#acceptance = new AcceptanceCheck(tally);
    this.#served = new ServedAnswers(random);
    this.clock = new ManualClock(pushes[0]?.nowMs ?? 0);
    const plan = random.below(4) === 0 ? first : whole;
    const declares = whole.sources.every(({ arrivalTime }) => arrivalTime !== null);
    this.platform = new Platform(plan, {
      random,
      clock: this.clock,
      clockMode: declares && random.below(2) === 0 ? 'arrival' : 'wall',
      doorLagMs: () => this.#doorLagMs,
      stateFolder: one.stateFolder,
      doorLimits: randomDoorLimits(random, whole.sources),
      segmentBytes: random.pick([600, 3_000, 1_000_000]),
      serveLogOf: (present) => (present === whole ? this.#served.writer : null),
    });
    this.oracle = new PlatformOracle(plan, this.platform.events);
  }

  async open(): Promise<void> {
    await this.platform.openDoor();
    await this.platform.openEngine();
  }

  async push(push: Push): Promise<void> {
    this.clock.advanceTo(push.nowMs);
    this.#chooseLag();
    if (this.#random.below(12) === 0) {
      await this.#pushIntoFault(push);
      return;
    }
    const { platform } = this;
    const nowMs = this.clock.nowMs() - this.#doorLagMs;
    const before = platform.batches.length;
    const result = await this.#pushRows(push);
    const made = platform.batches.slice(before);
    this.#acceptance.check(push.source, push.lines, nowMs, result, made);
    this.#letters += result.rejected;
    const letters = push.source.name;
    const kept = platform.ingestor.letters
      .count(letters)
      .reduce((sum, { count }) => sum + count, 0);
    const others = this.#otherLetters(letters);
    this.#tally.compare('acceptance', kept + others, this.#letters, () => 'dead letters kept');
    if (this.#random.below(5) === 0) platform.ingestor.checkpoint();
    if (this.#random.below(8) === 0) await this.#readmit(push.source, nowMs);
  }

  /** Letters are judged again, as new events. */
  async #readmit(source: SourcePlan, nowMs: number): Promise<void> {
    const filter = randomLetterFilter(this.#random);
    await checkReadmission(
      this.#tally,
      this.#acceptance,
      this.platform,
      source,
      nowMs,
      filter,
      () => this.platform.ingestor.readmit(source.name, filter),
    );
  }

  /** In one piece, or as two pushes at the same time. */
  async #pushRows(push: Push): Promise<PushResult> {
    const { ingestor, options } = this.platform;
    const { length } = push.lines;
    // A change may be two rows of the log.
    const rows = push.source.changes ? 2 * length : length;
    const fits = rows <= (options.doorLimits.eventsPerCommit ?? rows);
    if (length < 2 || push.rows === null || !fits || this.#random.below(5) > 0) {
      return ingestor.push(push.source.name, bodyOf(this.#random, push));
    }
    this.#tally.cover('two pushes at once');
    return pushTwice(ingestor, push);
  }

  #otherLetters(source: string): number {
    const names = this.#case.whole.sources.map(({ name }) => name).filter((one) => one !== source);
    const counts = names.flatMap((name) => this.platform.ingestor.letters.count(name));
    return counts.reduce((sum, { count }) => sum + count, 0);
  }

  /** The door's clock may run behind: the log stamps what came before it all the same. */
  #chooseLag(): void {
    const isPlain = this.#case.whole.sources.every(
      (source) => source.arrivalTime !== null || knowsPartition(source),
    );
    this.#doorLagMs = isPlain && this.#random.below(6) === 0 ? this.#random.below(5_000) : 0;
    if (this.#doorLagMs > 0) this.#tally.cover('a clock that ran back');
  }

  /** The disk fails in the middle of the push: some of it may be logged, what was is kept. */
  async #pushIntoFault(push: Push): Promise<void> {
    const { platform } = this;
    const fault = this.#random.pick(['crash', 'crash', 'full', 'io'] as const);
    const atOperation = platform.disk.operations + 1 + this.#random.below(5);
    platform.disk.failAt({ atOperation, fault });
    await platform.ingestor.push(push.source.name, bodyOf(this.#random, push)).catch(() => {});
    platform.disk.failAt();
    this.#tally.cover(`a disk that failed: ${fault}`);
    if (fault === 'crash') await this.#restart('crash');
    else this.#learn();
  }

  /** After a failure the log says what was accepted. */
  #learn(): void {
    const { sources } = this.#case.whole;
    this.#acceptance.restart(sources, this.platform.batches);
    this.#letters = sources
      .flatMap(({ name }) => this.platform.ingestor.letters.count(name))
      .reduce((sum, { count }) => sum + count, 0);
  }

  async disturb(): Promise<void> {
    const random = this.#random;
    const { platform } = this;
    if (random.below(3) > 0) platform.apply(random.below(platform.waiting.length + 1));
    else platform.apply();
    if (random.below(4) === 0) this.#redeliver();
    if (random.below(4) === 0) {
      const taken = platform.engine.checkpoint();
      if (random.below(2) === 0) platform.apply();
      await taken;
      this.#tally.cover('a checkpoint');
    }
    if (random.below(6) === 0) await this.#restart(random.pick(['close', 'kill', 'crash']));
    else if (random.below(8) === 0) await this.#restartEngine(random.pick(['close', 'kill']));
  }

  #redeliver(): void {
    const { platform } = this;
    const { commit } = platform.engine.store.applied;
    const again = platform.batches.slice(Math.max(0, commit - 1 - this.#random.below(3)), commit);
    for (const batch of again) platform.engine.apply(batch);
    if (again.length > 0) this.#tally.cover('a redelivery');
  }

  async #restartEngine(ending: Ending): Promise<void> {
    await this.platform.closeEngine(ending);
    this.#usePlan();
    await this.platform.openEngine();
    this.#lastAskedMs = 0;
    this.#tally.cover('a restart of the engine');
  }

  async #restart(ending: Ending): Promise<void> {
    await this.platform.end(ending);
    this.#usePlan();
    const found = await this.platform.openDoor();
    this.#checkLog();
    await this.platform.openEngine();
    this.#learn();
    this.#lastAskedMs = 0;
    this.#tally.cover(`a restart by ${ending}`);
    if (found.length > 0) this.#tally.cover('events durable, but never acknowledged');
  }

  /** What was durable is there, and is what it was. */
  #checkLog(): void {
    const { platform } = this;
    const { batches } = platform;
    this.#tally.compare('stream', platform.log.lastCommit, batches.length, () => 'the last commit');
    for (const read of platform.log.read(0)) {
      const kept = batches[read.commit - 1];
      this.#tally.compare('stream', read.count, kept?.count, () => `commit ${read.commit}`);
    }
  }

  /** From some restart on, all views are defined. */
  #usePlan(): void {
    const { whole, first } = this.#case;
    if (this.platform.plan === whole || this.#random.below(3) === 0) return;
    this.platform.plan = whole;
    this.oracle = new PlatformOracle(whole, this.platform.events);
    if (whole !== first) this.#tally.cover('views defined later');
  }

  /** Asks for a few keys now, or at an edge of a window. */
  ask(): void {
    const random = this.#random;
    const { platform, oracle, clock } = this;
    if (random.below(2) === 0) clock.advanceTo(edgeAfter(random, oracle, clock.nowMs(), 100_000));
    const service = serviceOf(platform.plan);
    const keys = Array.from({ length: 1 + random.below(4) }, () =>
      keyOf(
        random,
        platform.plan,
        service,
        random.below(3) === 0 ? null : randomEvent(random, oracle),
      ),
    );
    const { applied } = platform.engine.store;
    const wallMs = platform.options.clockMode === 'wall' ? clock.nowMs() : 0;
    const asOfMs = Math.max(wallMs, this.#newestAppliedMs(applied.commit), this.#lastAskedMs);
    const sent = keys.map((key) => sentRow(service, key));
    const response = platform.server.get(SERVICE, sent);
    this.#tally.compare('stream', response.asOfMs, asOfMs, () => 'the time of an answer');
    this.#tally.compare('stream', response.position.commit, applied.commit, () => 'the position');
    this.#lastAskedMs = response.asOfMs;
    checkAnswer(this.#tally, 'stream', oracle, response, keys);
    if (platform.plan === this.#case.whole) this.#served.keep(service, response, keys);
  }

  #newestAppliedMs(commit: number): number {
    const applied = this.platform.events.filter((event) => event.commit <= commit);
    return applied.reduce((newest, event) => Math.max(newest, event.arrivalTimeMs), 0);
  }

  /** Everything is applied, under the whole plan, and asked for at rising times. */
  async finish(): Promise<void> {
    const { platform, clock } = this;
    platform.apply();
    if (platform.plan !== this.#case.whole) {
      await platform.closeEngine('kill');
      platform.plan = this.#case.whole;
      this.oracle = new PlatformOracle(platform.plan, platform.events);
      await platform.openEngine();
      this.#lastAskedMs = 0;
      this.#tally.cover('views defined later');
    }
    for (let i = 0; i < 6; i += 1) {
      this.ask();
      clock.advanceTo(edgeAfter(this.#random, this.oracle, clock.nowMs(), Infinity));
    }
    this.answers = await this.#served.finish(this.#tally);
  }
}
