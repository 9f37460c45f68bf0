import { AsofError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import type { Life, SimulatedTime } from '../../src/testing/simulated-time.ts';
import type { Problems } from './problems.ts';
import type { Server } from './server.ts';
import type { Strain } from './strain.ts';
import type { Weather } from './weather.ts';

export interface ReloadOptions {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly world: Life;
  readonly weather: Weather;
  readonly strain: Strain;
  readonly problems: Problems;
  /** The whole project, with every source. */
  readonly whole: ProjectPlan;
  /** Others with less in them. */
  readonly parts: readonly ProjectPlan[];
  readonly server: () => Server | null;
  readonly seen: (what: string) => void;
}

/** Time between two tries to get the whole project into use at the end. */
const TRY_MS = 3_600_000;

/** Which definitions are in use, from start to start and while a server runs. */
export class Reloads {
  readonly #options: ReloadOptions;
  /** In which life definitions are being exchanged. */
  #busy: Life | null = null;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  begin(): void {
    const { strain, time, random, world } = this.#options;
    if (strain.reloadEveryMs === null) return;
    const { weather } = this.#options;
    const everyMs = weather.isCalm ? TRY_MS : strain.reloadEveryMs;
    time.after(1 + random.below(everyMs), world, () => {
      this.#turn();
      this.begin();
    });
  }

  /** With other budgets and numbers of partitions, which change no value. */
  next(): ProjectPlan {
    const { random, weather, whole, parts, strain } = this.#options;
    const hasAll = strain.reloadEveryMs === null || weather.isCalm || random.below(2) === 0;
    return withBudgets(random, hasAll ? whole : random.pick(parts), strain);
  }

  #turn(): void {
    const { weather, whole } = this.#options;
    const server = this.#options.server();
    if (server === null || !server.isReady || this.#busy === server.life) return;
    if (weather.isCalm && server.plan.sources.length === whole.sources.length) return;
    void this.#reload(server);
  }

  async #reload(server: Server): Promise<void> {
    const { seen, problems, weather } = this.#options;
    this.#busy = server.life;
    try {
      await server.use(this.next());
      seen('definitions exchanged while running');
    } catch (error) {
      if (server.life.isOver || error instanceof CrashError) return;
      const code = error instanceof AsofError ? error.code : null;
      const isDisk = code === 'disk_full' || code === 'disk_failed';
      if (isDisk && !weather.isCalm) seen('definitions that could not be exchanged');
      else problems.report(`no exchange: ${error instanceof Error ? error.stack : error}`);
    } finally {
      this.#busy = null;
    }
  }
}

function withBudgets(random: Random, plan: ProjectPlan, { budget }: Strain): ProjectPlan {
  if (budget === null) return plan;
  const views = plan.views.map((view) => {
    return random.below(3) === 0 ? view : { ...view, state: budget };
  });
  return { ...plan, views };
}
