import { silentLogger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { type ServedAnswer, ServeLogWriter } from '../../src/store/serve-log.ts';
import { newestAnswers } from '../../src/store/serve-log-reader.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import type { OracleKey } from '../../src/testing/platform-oracle.ts';
import { shownKey, type Tally } from './tally.ts';

/** Every answer of a run, as it was given and as the serve log keeps it. */
export class ServedAnswers {
  readonly writer: ServeLogWriter;
  readonly #disk: MemoryDisk;
  readonly #given = new Set<string>();
  #count = 0;

  constructor(random: Random) {
    this.#disk = new MemoryDisk(random);
    this.writer = new ServeLogWriter({
      disk: this.#disk,
      rate: 1,
      random,
      logger: silentLogger,
      later: (task) => task(),
    });
  }

  keep(plan: ServicePlan, response: FeatureResponse, asked: readonly OracleKey[]): void {
    const { service, version, asOfMs, position, rows } = response;
    rows.forEach((row, i) => {
      const request = Object.fromEntries(
        plan.request.map(({ name, type }) => {
          const given = asked[i]?.[name] ?? null;
          const isVector = type.kind === 'vector' && given !== null;
          return [name, isVector ? JSON.parse(String(given)) : given];
        }),
      );
      const place = { service, version, asOfMs, commit: position.commit };
      this.#given.add(exactText({ ...place, ...row, request }));
      this.#count += 1;
    });
  }

  /** The answers as the log gives them back, each held to what was given. */
  async finish(tally: Tally): Promise<readonly ServedAnswer[]> {
    await this.writer.close();
    const logged = newestAnswers(this.#disk, Number.POSITIVE_INFINITY).answers;
    tally.compare('stream', logged.length, this.#count, () => 'answers logged');
    for (const answer of logged) {
      const text = exactText(answer);
      tally.compare('stream', this.#given.has(text), true, () => `a logged answer ${text}`);
    }
    return logged;
  }
}

/** With the type of every value. */
function exactText({ asOfMs, commit, key, request, values, statuses }: ServedAnswer): string {
  const given = `${shownKey(key)} ${shownKey(request ?? {})}`;
  return `${asOfMs} ${commit} ${given} ${shownKey(values)} ${shownKey(statuses)}`;
}
