import { present } from '../../src/base/assert.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import { ConnectorRunner } from '../../src/ingest/connectors/connector-runner.ts';
import type { RowBatch, SourceReader } from '../../src/ingest/connectors/source-connector.ts';
import type { DeadLetters } from '../../src/ingest/dead-letters.ts';
import type { SourcedRow } from '../../src/ingest/sourced-rows.ts';
import type { SimulatedTime } from '../../src/testing/simulated-time.ts';
import { type Ledger, tagOfLine } from './ledger.ts';
import type { Problems } from './problems.ts';
import type { Server } from './server.ts';
import type { Truth } from './truth.ts';

export interface FeedOptions {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly ledger: Ledger;
  readonly truth: Truth;
  readonly problems: Problems;
  readonly logger: Logger;
  readonly source: string;
  /** Whether its rows may take others back, so that rows of the log are not rows of the feed. */
  readonly hasChanges: boolean;
  readonly lanes: readonly (readonly string[])[];
  readonly seen: (what: string) => void;
}

const NAME = 'feed';
const MOST_ROWS = 12;
const RESTART_MS = 3_600_000;
const STEP_MS = 1_800_000;

/** Lines that wait outside and are read by a connector, which begins anew at every start. */
export class Feed {
  isDone = false;
  readonly #options: FeedOptions;

  constructor(options: FeedOptions) {
    this.#options = options;
    for (const lines of options.lanes) options.ledger.deliver(options.source, lines);
  }

  /** A process has begun. */
  begin(server: Server): void {
    const { random, time, source, logger } = this.#options;
    if (server.life.isOver || server.isClosing) return;
    const runner = new ConnectorRunner({
      name: NAME,
      source,
      connector: { kind: 'lines', open: (taken) => this.#open(taken, server) },
      door: server.connectorDoor,
      pause: (ms) => time.wait(ms, server.life),
      logger,
    });
    runner.start();
    const again = random.below(RESTART_MS);
    void Promise.race([runner.ended(), time.wait(again, server.life)]).then(async () => {
      // Another one may not begin before this one is at rest.
      await runner.stop();
      const { state } = runner.status();
      if (state === 'finished') this.isDone = true;
      if (server.life.isOver || this.isDone) return;
      this.#options.seen(`a connector that begins anew: ${state}`);
      time.after(1 + random.below(60_000), server.life, () => this.begin(server));
    });
  }

  #open(taken: ReadonlyMap<string, string>, server: Server): Promise<SourceReader> {
    const { lanes, random, time } = this.#options;
    const next = lanes.map((_, lane) => Number(taken.get(String(lane)) ?? 0));
    const read = async (most: number): Promise<RowBatch | null> => {
      const open = [...lanes.keys()].filter(
        (lane) => (next[lane] ?? 0) < (lanes[lane]?.length ?? 0),
      );
      if (open.length === 0) return null;
      await time.wait(random.below(STEP_MS), server.life);
      const lane = random.pick(open);
      const from = next[lane] ?? 0;
      const rows = this.#rows(lane).slice(from, from + Math.min(most, random.below(MOST_ROWS)));
      next[lane] = from + rows.length;
      return { lane: String(lane), rows, token: String(from + rows.length) };
    };
    return Promise.resolve({
      next: read,
      progress: () => ({ position: next.join(), behind: null, problems: [] }),
      close: () => Promise.resolve(),
    });
  }

  #rows(lane: number): SourcedRow[] {
    const lines = present(this.#options.lanes[lane], 'a lane');
    return lines.map((body, at) => ({ place: `${lane}:${at}`, body }));
  }

  /** Every line was taken exactly once, be it into the log or to the dead letters. */
  check(letters: DeadLetters): void {
    if (!this.isDone) return;
    const { source, lanes, truth, problems, hasChanges } = this.#options;
    const refused = new Set<string>();
    for (const { origin } of letters.list(source)) {
      if (origin === undefined) continue;
      if (refused.has(origin.place)) problems.report(`${origin.place} is refused twice`);
      refused.add(origin.place);
    }
    if (hasChanges) return;
    const taken = new Map<string, { least: number; most: number }>();
    for (const lane of lanes.keys()) {
      for (const { place, body } of this.#rows(lane)) {
        const tag = tagOfLine(source, String(body));
        const before = taken.get(tag) ?? { least: 0, most: 0 };
        // A letter may have been sent again, and without an id more than once.
        const isRefused = refused.has(place);
        const most = isRefused ? Number.POSITIVE_INFINITY : before.most + 1;
        taken.set(tag, { least: before.least + (isRefused ? 0 : 1), most });
      }
    }
    for (const [tag, { least, most }] of taken) {
      if (tag === tagOfLine(source, '')) continue;
      const logged = truth.counted.get(tag) ?? 0;
      if (logged >= least && logged <= most) continue;
      problems.report(`${tag} of the feed: ${least} to ${most} times taken, ${logged} logged`);
    }
  }
}
