import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Random } from '../base/random.ts';
import { type CompiledService, rowObject } from './compiled-service.ts';
import { readRows } from './request-rows.ts';
import { type ShadowFeature, type ShadowOutput, ShadowTally } from './shadow-tally.ts';

/** A version that is read beside the live one, and never answered. */
export interface ShadowRoute {
  readonly service: string;
  readonly shadow: number;
  /** Of the rows that the live version answers, in millionths. */
  readonly samplePpm: number;
  readonly startedMs: number;
}

/** What the two versions said, since the shadow was begun or either of them changed. */
export interface ShadowReport {
  readonly service: string;
  readonly live: number;
  readonly shadow: number;
  /** Hashes of the two: what was counted of others is not theirs. */
  readonly hashes: readonly [string, string];
  readonly samplePpm: number;
  readonly startedMs: number;
  readonly rows: number;
  /** Rows of which some output differs. */
  readonly rowsDiffering: number;
  /** Passed over as more waited than may. */
  readonly dropped: number;
  /** Rows that the shadow version cannot answer, as they lack what it asks for; and why not. */
  readonly unanswerable: number;
  readonly problem: string | null;
  readonly onlyInLive: readonly string[];
  readonly onlyInShadow: readonly string[];
  readonly features: readonly ShadowFeature[];
}

export interface ShadowReaderOptions {
  readonly random: Random;
  /** Runs the reading later, off the path of requests. */
  readonly later: (task: () => void) => void;
}

/** The time and the position at which both versions are read. */
export interface ShadowMoment {
  readonly asOfMs: number;
  readonly commit: number;
}

interface Shadowed {
  readonly live: CompiledService;
  readonly shadow: CompiledService;
  readonly route: ShadowRoute;
  readonly tally: ShadowTally;
  rowsDiffering: number;
  dropped: number;
  unanswerable: number;
  problem: string | null;
  /** Whether something was counted or let go of since `changed` was asked. */
  isChanged: boolean;
}

/** Rows of one turn: a few, so that requests come in between. */
const ROWS_A_TURN = 64;
const WHOLE_PPM = 1_000_000;

/**
 * Reads a sample of the rows that are asked for by a second version too, after they were answered,
 * both at one time and position, and counts what differs. Nothing of it reaches a caller.
 */
export class ShadowReader {
  readonly #options: ShadowReaderOptions;
  #shadowed = new Map<string, Shadowed>();
  #former: readonly ShadowReport[] = [];
  #queue: { readonly pair: Shadowed; readonly row: unknown }[] = [];
  #isScheduled = false;
  #now: () => ShadowMoment = () => ({ asOfMs: 0, commit: 0 });

  constructor(options: ShadowReaderOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#shadowed.size === 0;
  }

  /** What was counted before this process; it goes on where both versions are still the same. */
  remember(reports: readonly ShadowReport[]): void {
    this.#former = reports;
  }

  /**
   * Which versions are read from now on. A pair that stays goes on counting.
   * @param find the version that is live without a version, else that one; null where it is not there
   */
  use(
    routes: readonly ShadowRoute[],
    find: (service: string, version?: number) => CompiledService | null,
    now: () => ShadowMoment,
  ): void {
    const before = [...this.reports(), ...this.#former];
    this.#now = now;
    this.#queue = [];
    this.#shadowed = new Map();
    for (const route of routes) {
      const live = find(route.service);
      const shadow = find(route.service, route.shadow);
      if (live === null || shadow === null || live === shadow) continue;
      const pair = pairOf(route, live, shadow);
      const known = before.find((one) => isOf(one, pair));
      if (known !== undefined) restore(pair, known);
      this.#shadowed.set(route.service, pair);
    }
  }

  /** Rows that were answered by a version. */
  offer(answered: CompiledService, rows: readonly unknown[]): void {
    const pair = this.#shadowed.get(answered.plan.service.name);
    if (pair === undefined || pair.live !== answered) return;
    const { random } = this.#options;
    for (const row of rows) {
      if (pair.route.samplePpm < WHOLE_PPM && random.next() * WHOLE_PPM >= pair.route.samplePpm) {
        continue;
      }
      if (this.#queue.length < LIMITS.shadowQueue) this.#queue.push({ pair, row });
      else {
        pair.dropped += 1;
        pair.isChanged = true;
      }
    }
    this.#schedule();
  }

  /** Lets go of what would show one of these keys: examples, and rows that wait. */
  forget(isGone: (key: Readonly<Record<string, unknown>>) => boolean): void {
    this.#queue = this.#queue.filter(({ row }) => !isGone(Object(row)));
    this.#former = [];
    for (const pair of this.#shadowed.values()) {
      pair.tally.forget(isGone);
      pair.isChanged = true;
    }
  }

  /** The services whose reports are other ones than when this was asked before. */
  changed(): string[] {
    return [...this.#shadowed.values()].flatMap((pair) => {
      const { isChanged } = pair;
      pair.isChanged = false;
      return isChanged ? [pair.route.service] : [];
    });
  }

  report(service: string): ShadowReport | null {
    const pair = this.#shadowed.get(service);
    return pair === undefined ? null : reportOf(pair);
  }

  reports(): ShadowReport[] {
    return [...this.#shadowed.values()].map(reportOf);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.length === 0) return;
    this.#isScheduled = true;
    this.#options.later(() => {
      this.#isScheduled = false;
      const moment = this.#now();
      for (const { pair, row } of this.#queue.splice(0, ROWS_A_TURN)) compare(pair, row, moment);
      this.#schedule();
    });
  }
}

function compare(pair: Shadowed, row: unknown, moment: ShadowMoment): void {
  const { live, shadow } = pair;
  pair.isChanged = true;
  try {
    const before = readOne(live, row, moment.asOfMs);
    const after = readOne(shadow, row, moment.asOfMs);
    const differs = pair.tally.add({ key: before.key, ...moment, live: before, shadow: after });
    if (differs) pair.rowsDiffering += 1;
  } catch (error) {
    pair.unanswerable += 1;
    // A defect of the second version must not end the process that answers by the first.
    pair.problem = error instanceof AsofError ? error.message : String(error);
  }
}

function readOne({ plan, reader }: CompiledService, row: unknown, asOfMs: number) {
  const [given = []] = readRows([row], plan.service);
  // Whether it is late is no difference of the definitions.
  reader.begin(null);
  reader.read(given, asOfMs);
  return rowObject(plan, plan.outputs, reader);
}

function pairOf(route: ShadowRoute, live: CompiledService, shadow: CompiledService): Shadowed {
  const types = new Map(shadow.plan.outputs.map(({ name, type }) => [name, type]));
  const ofFunctions = new Set(
    [live, shadow].flatMap(({ plan }) =>
      (plan.service.functions ?? []).flatMap(({ outputs }) => outputs.map(({ name }) => name)),
    ),
  );
  const common = live.plan.outputs.flatMap(({ name, type }): ShadowOutput[] => {
    const other = types.get(name);
    // Functions are not run for what nobody is answered.
    const isComputed = ofFunctions.has(name);
    return other === undefined || isComputed ? [] : [{ name, live: type, shadow: other }];
  });
  const tally = new ShadowTally(common);
  return {
    ...{ route, live, shadow, tally },
    ...{ rowsDiffering: 0, dropped: 0, unanswerable: 0, problem: null, isChanged: true },
  };
}

function isOf(report: ShadowReport, { route, live, shadow }: Shadowed): boolean {
  return (
    report.service === route.service &&
    report.startedMs === route.startedMs &&
    report.hashes[0] === live.plan.service.hash &&
    report.hashes[1] === shadow.plan.service.hash
  );
}

function restore(pair: Shadowed, report: ShadowReport): void {
  pair.tally.restore(report.rows, report.features);
  pair.rowsDiffering = report.rowsDiffering;
  pair.dropped = report.dropped;
  pair.unanswerable = report.unanswerable;
  pair.problem = report.problem;
}

function reportOf(pair: Shadowed): ShadowReport {
  const { route, live, shadow, tally, rowsDiffering, dropped, unanswerable, problem } = pair;
  const names = (compiled: CompiledService): string[] =>
    compiled.plan.outputs.map(({ name }) => name);
  const [inLive, inShadow] = [names(live), names(shadow)];
  return {
    service: route.service,
    live: live.plan.service.version,
    shadow: shadow.plan.service.version,
    hashes: [live.plan.service.hash, shadow.plan.service.hash],
    samplePpm: route.samplePpm,
    startedMs: route.startedMs,
    rows: tally.rows,
    ...{ rowsDiffering, dropped, unanswerable, problem },
    onlyInLive: inLive.filter((name) => !inShadow.includes(name)),
    onlyInShadow: inShadow.filter((name) => !inLive.includes(name)),
    features: tally.features(),
  };
}
