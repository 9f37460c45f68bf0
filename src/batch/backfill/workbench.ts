import { present } from '../../base/assert.ts';
import { LIMITS } from '../../base/limits.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { SourcePlan } from '../../plan/plan.ts';
import type { BackfillWorld } from './world.ts';

/** Files that compaction replaces go after a while, so what is attached does not get older. */
const ATTACHED_MS_MAX = LIMITS.archiveRetiredMs / 4;

interface Attached {
  readonly relation: string;
  readonly throughCommit: number;
  readonly sinceMs: number;
}

interface Bench {
  readonly session: DuckDbSession;
  readonly attached: Map<string, Attached>;
}

/** DuckDB sessions on one database, each with the histories that it has read from. */
export class Workbench {
  readonly #world: BackfillWorld;
  readonly #benches: Bench[] = [];

  private constructor(world: BackfillWorld) {
    this.#world = world;
  }

  static async open(world: BackfillWorld, sessions: number): Promise<Workbench> {
    const workbench = new Workbench(world);
    try {
      const root = await DuckDbSession.open({ ...world.duckdb, every: world.every });
      workbench.#benches.push({ session: root, attached: new Map() });
      // Every day is a query of its own over the same files.
      await root.run('SET parquet_metadata_cache = true');
      for (let index = 1; index < sessions; index += 1) {
        workbench.#benches.push({ session: await root.connect(), attached: new Map() });
      }
      for (const { session } of workbench.#benches) await world.prepare(session);
      return workbench;
    } catch (error) {
      workbench.close();
      throw error;
    }
  }

  get sessions(): number {
    return this.#benches.length;
  }

  session(index = 0): DuckDbSession {
    return present(this.#benches[index], `session ${index}`).session;
  }

  /** The offline relation of a source through a commit, by its name in this session. */
  async events(index: number, source: SourcePlan, throughCommit: number): Promise<string> {
    const { session, attached } = present(this.#benches[index], `session ${index}`);
    const nowMs = this.#world.clock.nowMs();
    const known = attached.get(source.name);
    const isFresh = known !== undefined && nowMs - known.sinceMs < ATTACHED_MS_MAX;
    if (isFresh && known.throughCommit === throughCommit) return known.relation;
    const history = await this.#world.openHistory(throughCommit);
    const relation = await history.attach(session.connection, source);
    attached.set(source.name, { relation, throughCommit, sinceMs: nowMs });
    return relation;
  }

  close(): void {
    for (const { session } of this.#benches.toReversed()) session.close();
  }
}
