import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { replayServed } from '../../src/batch/replay.ts';
import { buildTrainingSet } from '../../src/batch/training-set.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { type OracleEvent, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from '../conformance/answers.ts';
import { SERVICE } from '../conformance/generate-definitions.ts';
import { archiveThrough, openHistory } from '../conformance/offline.ts';
import { Platform } from '../conformance/platform.ts';
import { randomSpine, SPINE_TABLE, writeSpine } from '../conformance/random-spine.ts';
import { ServedAnswers } from '../conformance/served-answers.ts';
import { Tally } from '../conformance/tally.ts';
import { checkTrainedFile } from '../conformance/trained-rows.ts';
import { type MeantRow, naiveValues, randomRow, sentBody } from './producers.ts';
import { type Lineage, planAt, randomLineage, SOURCE, type Stage } from './random-source.ts';

const START_MS = 1_700_000_000_000;

/** One source from its first version to its last, with producers of all versions on the way. */
class Life {
  readonly tally = new Tally();
  readonly random: Random;
  readonly lineage: Lineage;
  readonly platform: Platform;
  readonly clock = new ManualClock(START_MS);
  readonly sent = new Map<number, MeantRow>();
  readonly #folder: string;
  readonly #session: DuckDbSession;
  #stage: Stage;
  #served: ServedAnswers;
  #live: MeantRow[] = [];
  #isWide: boolean;

  constructor(seed: number, folder: string, session: DuckDbSession) {
    this.random = seededRandom(seed);
    this.lineage = randomLineage(this.random);
    this.#folder = folder;
    this.#session = session;
    this.#stage = present(this.lineage.stages[0], 'a first version');
    this.#isWide = this.lineage.stages.at(-1)?.amount !== null;
    this.#served = new ServedAnswers(this.random);
    this.platform = new Platform(this.#plan(), {
      random: this.random,
      clock: this.clock,
      clockMode: 'wall',
      doorLagMs: () => 0,
      stateFolder: join(folder, 'state'),
      doorLimits: {},
      segmentBytes: this.random.pick([600, 1_000_000]),
      serveLogOf: () => this.#served.writer,
    });
  }

  #plan(isNaive = false): ProjectPlan {
    return planAt(this.lineage, this.#stage, isNaive);
  }

  async live(): Promise<void> {
    for (const stage of this.lineage.stages) {
      await this.#open(stage);
      const pushes = 2 + this.random.below(4);
      for (let i = 0; i < pushes; i += 1) {
        await this.#push();
        this.platform.apply();
        this.#ask();
      }
      if (this.random.below(2) === 0) await this.platform.engine.checkpoint();
      if (this.random.below(2) === 0) this.platform.ingestor.checkpoint();
      await this.#checkOffline();
      this.#past.push({ stage, commit: this.platform.log.lastCommit });
    }
    for (const { stage, commit } of this.#past) await this.#checkPast(stage, commit);
    await this.platform.end('close');
  }

  async #open(stage: Stage): Promise<void> {
    const before = this.platform.plan;
    const isFirst = stage.version === 1;
    if (!isFirst) await this.platform.end(this.random.pick(['close', 'kill']));
    const earlier = this.#stage;
    this.#stage = stage;
    this.platform.plan = this.#plan();
    this.#checkMeanings(before, this.platform.plan, earlier.viewVersion === stage.viewVersion);
    if (earlier.viewVersion !== stage.viewVersion) this.#served = new ServedAnswers(this.random);
    await this.platform.openDoor();
    if (!isFirst && this.random.below(2) === 0) await this.#archive();
    await this.platform.openEngine(await openHistory(this.platform, this.#folder));
  }

  /** A rename alone changes nothing; what reads neither what was widened nor added never changes. */
  #checkMeanings(before: ProjectPlan, after: ProjectPlan, isSame: boolean): void {
    for (const one of after.views) {
      const same = before.views.find(({ name, version }) => {
        return name === one.name && version === one.version;
      });
      if (one.name === 'steady' || isSame) assert.equal(same?.hash, one.hash, one.name);
      else assert.equal(same, undefined);
    }
    if (isSame) assert.deepEqual(after.groups, before.groups);
  }

  /** Sometimes the archive is all that is left of the past. */
  async #archive(): Promise<void> {
    const { log, disk, ingestor } = this.platform;
    const commit = this.random.below(log.lastCommit + 1);
    await archiveThrough(disk, this.#folder, commit, this.random.pick([3, 1_000]));
    if (this.random.below(2) === 0) {
      ingestor.checkpoint();
      log.cutThrough(commit);
    }
  }

  async #push(): Promise<void> {
    const { random, lineage } = this;
    const past = lineage.stages.slice(0, lineage.stages.indexOf(this.#stage) + 1);
    const from = random.pick(past);
    this.clock.advanceTo(this.clock.nowMs() + random.below(2_000_000));
    const rows = Array.from({ length: 1 + random.below(8) }, () => this.#row(from));
    const { body, pinned, how } = await sentBody(random, lineage, from, this.#stage, rows);
    const result = await this.platform.ingestor.push(SOURCE, body, pinned);
    assert.deepEqual(result.rows, [], `${how} under version ${this.#stage.version}`);
    this.tally.cover(how.replace(/version \d+/, 'a version'));
  }

  #row(from: Stage): MeantRow {
    const { random } = this;
    const at = this.clock.nowMs() - random.below(3_600_000);
    const isChange = this.lineage.shape !== 'plain' && random.below(3) === 0;
    const changed = isChange ? this.#live.splice(random.below(this.#live.length), 1)[0] : undefined;
    const op = changed === undefined ? 'c' : random.pick(['u', 'd']);
    const n = changed?.n ?? 1_000 + this.sent.size;
    const row = randomRow(random, from, this.#isWide, { n, at, op });
    // A delete takes back what is there, and says nothing else.
    if (op !== 'd') {
      this.sent.set(n * 1_000 + (this.#changesOf.get(n) ?? 0), row);
      this.#changesOf.set(n, (this.#changesOf.get(n) ?? 0) + 1);
      this.#live.push(row);
    }
    return row;
  }

  readonly #changesOf = new Map<number, number>();

  /** Every row as the newest version has it, at the places that the log gave them. */
  #naive(throughCommit = Number.POSITIVE_INFINITY): PlatformOracle {
    const values = new Map<string, OracleEvent['values']>();
    const counts = new Map<number, number>();
    const known = this.platform.events.filter(({ commit }) => commit <= throughCommit);
    const events = known.map((event) => {
      const back = event.retracts ?? null;
      const place = back ?? event;
      const key = `${place.partition}/${place.offset}`;
      if (back === null) {
        const n = Number(event.values.n);
        const at = counts.get(n) ?? 0;
        counts.set(n, at + 1);
        values.set(
          key,
          naiveValues(present(this.sent.get(n * 1_000 + at), `row ${n}`), this.#stage),
        );
      }
      return { ...event, values: present(values.get(key), `the event at ${key}`) };
    });
    return new PlatformOracle(this.#plan(true), events);
  }

  #ask(): void {
    const { platform, random } = this;
    const keys = Array.from({ length: 2 }, () => ({
      user_key: random.pick(['u1', 'u2', 'ü😀', 'x']),
    }));
    const response = platform.server.get(SERVICE, keys);
    checkAnswer(this.tally, 'stream', this.#naive(), response, keys);
    this.#served.keep(serviceOf(platform.plan), response, keys);
    this.#expectSame();
  }

  readonly #past: { readonly stage: Stage; readonly commit: number }[] = [];

  /** As a dataset is built again: by the plan of its time, of all that was there then. */
  async #checkPast(stage: Stage, commit: number): Promise<void> {
    this.#stage = stage;
    this.platform.plan = this.#plan();
    await this.#train(await openHistory(this.platform, this.#folder, commit));
    this.#expectSame();
  }

  async #checkOffline(): Promise<void> {
    if (this.random.below(2) === 0) await this.#archive();
    const history = await openHistory(this.platform, this.#folder);
    await this.#train(history);
    await this.#replay(history);
    this.#expectSame();
  }

  async #train(history: Awaited<ReturnType<typeof openHistory>>): Promise<void> {
    const { random, platform, tally } = this;
    const oracle = this.#naive(history.through);
    const service = serviceOf(platform.plan);
    const spine = randomSpine(random, oracle, service, 0);
    await writeSpine(this.#session, service, spine, false);
    const known = random.pick(['serving', 'final'] as const);
    const out = join(this.#folder, 'training.parquet');
    await buildTrainingSet({
      ...{ plan: platform.plan, service: SERVICE, history, out, known, statuses: true },
      ...{ spine: { relation: SPINE_TABLE }, servingDelayMs: 0, clock: this.clock },
      session: this.#session,
    });
    const trained = { oracle, spine, isTimestamp: false, known, servingDelayMs: 0, how: 'chosen' };
    await checkTrainedFile(tally, 'train', this.#session, out, {
      ...trained,
      throughCommit: history.through,
    });
  }

  /** What was served under this version of the service, at whatever version of the source. */
  async #replay(history: Awaited<ReturnType<typeof openHistory>>): Promise<void> {
    const answers = await this.#served.finish(this.tally);
    this.#served = new ServedAnswers(this.random);
    this.#replayed = this.#replayed.filter(({ version }) => version === this.#stage.viewVersion);
    this.#replayed.push(...answers);
    const { plan } = this.platform;
    const given = { plan, history, answers: this.#replayed, session: this.#session };
    const report = await replayServed(given);
    this.tally.compare('replay', report.mismatched, 0, () =>
      JSON.stringify(report.mismatches, bigints),
    );
    this.tally.compare('replay', report.answers, this.#replayed.length, () => 'answers replayed');
    await this.platform.closeEngine('close');
    await this.platform.openEngine(history);
  }

  #replayed: Awaited<ReturnType<ServedAnswers['finish']>>[number][] = [];

  #expectSame(): void {
    const found = this.tally.takeMismatches();
    const past = this.lineage.stages.map(({ names, amount }) => ({
      ...Object.fromEntries(names),
      amount,
    }));
    const told = `${this.lineage.shape} at version ${this.#stage.version} of ${JSON.stringify(past)}`;
    assert.deepEqual(found, [], told);
  }
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

const SEEDS = 7;

test('rows of all versions mean what they would mean had there only been the newest', async (t) => {
  const covered = new Map<string, number>();
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const folder = mkdtempSync(join(tmpdir(), 'asof-evolution-'));
      try {
        const life = new Life(seed, folder, session);
        await life.live().catch((cause) => {
          throw new Error(`seed ${seed}: ${cause?.message ?? cause}`, { cause });
        });
        for (const [what, times] of life.tally.covered) {
          covered.set(what, (covered.get(what) ?? 0) + times);
        }
        t.diagnostic(`seed ${seed}: ${life.tally.total} comparisons`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  } finally {
    session.close();
  }
  for (const form of ['columns', 'lines', 'JSON', 'objects', 'mixed', 'pinned']) {
    assert.ok(
      [...covered.keys()].some((how) => how.includes(form)),
      `${form} never came up`,
    );
  }
});
