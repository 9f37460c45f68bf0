import { present } from '../../src/base/assert.ts';
import { AsofError, type ErrorCode } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { PushBody } from '../../src/ingest/push-body.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import { Life, type SimulatedTime } from '../../src/testing/simulated-time.ts';
import type { Push } from '../conformance/generate-events.ts';
import { isTransient, type Ledger } from './ledger.ts';
import type { Server } from './server.ts';
import type { Weather } from './weather.ts';

export interface Outside {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly weather: Weather;
  readonly ledger: Ledger;
  /** Who answers now, if anybody does. */
  readonly server: () => Server | null;
  readonly seen: (what: string) => void;
  /** Whether views stop at their budgets. */
  readonly mayStayFull: boolean;
}

/** Rows refused for want of room among the ids are given up after so many attempts. */
const ATTEMPTS = 6;
const TIMEOUT_MS = 30_000;
const BACKOFF_MS = 2_000;
const LONGEST_BACKOFF_MS = 3_600_000;

/** The world outside of the server, whose clients never die. */
const world = new Life();

/** Sends its pushes one after the other, each again and again until every row is answered. */
export class Sender {
  isDone = false;
  readonly #outside: Outside;
  readonly #pushes: readonly Push[];

  constructor(outside: Outside, pushes: readonly Push[]) {
    this.#outside = outside;
    this.#pushes = pushes;
  }

  async run(): Promise<void> {
    const { time } = this.#outside;
    for (const push of this.#pushes) {
      await time.wait(Math.max(0, push.nowMs - time.nowMs), world);
      await this.#send(push);
    }
    this.isDone = true;
  }

  async #send(push: Push): Promise<void> {
    const { time, random } = this.#outside;
    let lines = push.lines;
    for (let attempt = 0; lines.length > 0; attempt++) {
      const answer = await this.#call(push, lines);
      // A view that is full may be for as long as nothing expires.
      if (answer === 'state_full' && attempt >= ATTEMPTS && this.#outside.mayStayFull) return;
      if (typeof answer === 'object') lines = unanswered(lines, answer, attempt);
      const backoffMs = Math.min(BACKOFF_MS * 2 ** attempt, LONGEST_BACKOFF_MS);
      if (lines.length > 0) await time.wait(100 + random.below(backoffMs), world);
    }
  }

  /** One request: it may be lost, be doubled or come late, and so may its answer. */
  #call(push: Push, lines: readonly string[]): Promise<PushResult | ErrorCode> {
    const { time, random, weather, seen } = this.#outside;
    return new Promise((resolve) => {
      time.after(TIMEOUT_MS, world, () => resolve('not_ready'));
      const copies = weather.happens(weather.climate.network) ? random.below(4) : 1;
      if (copies !== 1) seen(copies === 0 ? 'a request that was lost' : 'a request sent twice');
      for (let copy = 0; copy < copies; copy++) {
        time.after(weather.networkMs(), world, () => void this.#deliver(push, lines, resolve));
      }
    });
  }

  async #deliver(
    push: Push,
    lines: readonly string[],
    answer: (result: PushResult | ErrorCode) => void,
  ): Promise<void> {
    const { random, ledger, time, weather, seen } = this.#outside;
    const server = this.#outside.server();
    if (server === null || server.isClosing) return;
    const { name } = push.source;
    const { breaks } = server;
    ledger.deliver(name, lines);
    try {
      const result = await server.push(name, lines.length, bodyOf(random, push, lines));
      // A process that is gone has answered nothing, whatever it still computed.
      if (server.life.isOver || server.breaks !== breaks) return;
      ledger.answered(name, lines, result);
      if (weather.happens(weather.climate.network)) seen('an answer that was lost');
      else time.after(weather.networkMs(), world, () => answer(result));
    } catch (error) {
      if (server.life.isOver || error instanceof CrashError) return;
      if (server.breaks !== breaks) return;
      ledger.refusedAll(name, lines, error);
      if (!(error instanceof AsofError)) return;
      seen(`a push that was refused: ${error.code}`);
      time.after(weather.networkMs(), world, () => answer(error.code));
    }
  }
}

/** The rows that are in no log, in their order. */
function unanswered(
  lines: readonly string[],
  answer: PushResult,
  attempt: number,
): readonly string[] {
  const again = answer.rows
    .filter(({ code }) => isTransient(code) && !(code === 'overloaded' && attempt >= ATTEMPTS))
    .map(({ row }) => present(lines[row], 'a row that was sent'));
  // A body that begins with a bracket is an array, and this line is none of its rows.
  return again[0]?.startsWith('[') === true ? again.slice(1) : again;
}

function bodyOf(random: Random, push: Push, lines: readonly string[]): PushBody {
  const text = lines.join('\n');
  const form = random.below(push.rows === null ? 2 : 3);
  if (form === 0) return text;
  return form === 1 ? new TextEncoder().encode(`${text}\n`) : `[${lines.join(',\n')}]`;
}
