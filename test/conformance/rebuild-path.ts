import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { rebuildDataset } from '../../src/app/dataset-rebuild.ts';
import { trainDataset } from '../../src/app/datasets.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { NodeDisk } from '../../src/base/node-disk.ts';
import type { Random } from '../../src/base/random.ts';
import { Archive } from '../../src/ingest/archive.ts';
import { compactArchive } from '../../src/ingest/archive-compact.ts';
import { sqlString } from '../../src/ingest/archive-relation.ts';
import { segmentSource } from '../../src/ingest/archive-source.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { EventLog } from '../../src/ingest/log.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import { randomSpine, SPINE_TABLE, writeSpine } from './random-spine.ts';
import type { Tally } from './tally.ts';
import { checkTrainedFile } from './trained-rows.ts';

const DATASET = 'kept';

export interface RebuildCase {
  readonly random: Random;
  readonly oracle: PlatformOracle;
  /** What is applied later, in place of the oracle's. */
  readonly other: ProjectPlan;
  readonly batches: readonly EventBatch[];
  readonly session: DuckDbSession;
  readonly folder: string;
}

/**
 * A training set is recorded at a random commit; newer events, other definitions, an archive that
 * is compacted and a log that is cut come after it. Built again it is the same file, and the
 * oracle's.
 */
export async function runRebuild(tally: Tally, one: RebuildCase): Promise<void> {
  const { random, oracle, other, batches, session } = one;
  const { plan } = oracle;
  const root = join(one.folder, 'project');
  mkdirSync(root, { recursive: true });
  const config = loadConfig(root, { threads: 1, batchMemoryMiB: 256 }, {});
  const data = new DataFolder(config, plan, random);
  await apply(config, plan);
  const throughCommit = random.below(batches.length + 1);
  await data.append(batches.slice(0, throughCommit));
  if (random.below(2) === 0) await data.archive();

  const known = random.below(3) === 0 ? 'final' : 'serving';
  const servingDelayMs = random.below(2) === 0 ? 0 : random.below(2_000_000);
  const isTimestamp = random.below(3) === 0;
  const spine = randomSpine(random, oracle, serviceOf(plan), servingDelayMs);
  await writeSpine(session, serviceOf(plan), spine, isTimestamp);
  const asked = join(root, 'spine.parquet');
  await session.run(`COPY ${SPINE_TABLE} TO ${sqlString(asked)} (FORMAT parquet)`);
  const out = join(root, 'training.parquet');
  const { dataset } = await trainDataset(
    config,
    { service: SERVICE, spine: asked, out, known, servingDelayMs, statuses: true },
    { name: DATASET, author: 'conformance' },
  );
  tally.compare('rebuild', dataset.position.commit, throughCommit, () => 'the commit recorded');
  const bytes = checksum(out);
  tally.compare('rebuild', dataset.output.sha256, bytes, () => 'the checksum recorded');

  await data.append(batches.slice(throughCommit));
  if (throughCommit < batches.length) tally.cover('a rebuild after newer events');
  if (random.below(2) === 0) await apply(config, other);
  await data.archive();
  const { replaced } = await data.compact();
  if (replaced > 0) tally.cover('a rebuild after compaction');
  const again = join(root, 'again.parquet');
  const rebuilt = await rebuildDataset(config, DATASET, null, again);
  tally.compare('rebuild', rebuilt.same, 'bytes', () => 'what is the same');
  tally.compare('rebuild', checksum(again), bytes, () => 'the file that was built again');
  await checkTrainedFile(tally, 'rebuild', session, again, {
    ...{ oracle, spine, isTimestamp, known, servingDelayMs, throughCommit },
    how: 'built again',
  });
}

async function apply(config: Config, plan: ProjectPlan): Promise<void> {
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'conformance' }));
}

function checksum(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** The data directory of a project, to which a log is written again, commit by commit. */
class DataFolder {
  readonly #config: Config;
  readonly #plan: ProjectPlan;
  readonly #random: Random;
  readonly #disk: NodeDisk;

  constructor(config: Config, plan: ProjectPlan, random: Random) {
    this.#config = config;
    this.#plan = plan;
    this.#random = random;
    mkdirSync(config.dataDir, { recursive: true });
    this.#disk = new NodeDisk(config.dataDir);
  }

  async append(batches: readonly EventBatch[]): Promise<void> {
    const log = await this.#openLog();
    for (const { commit: _, firstOffset: __, ...entry } of batches) await log.append([entry]);
    await log.close();
  }

  /** The log goes to files, up to some commit or all of it, and is cut behind them. */
  async archive(): Promise<void> {
    const log = await this.#openLog();
    const { dataDir } = this.#config;
    for (const isLast of [false, true]) {
      const commit = isLast ? log.lastCommit : this.#random.below(log.lastCommit + 1);
      const source = segmentSource(this.#disk);
      const archive = await Archive.open({ dataDir, source, threads: 1 });
      try {
        await archive.archiveThrough(commit);
      } finally {
        archive.close();
      }
      log.cutThrough(commit);
    }
    await log.close();
  }

  compact(): ReturnType<typeof compactArchive> {
    const clock = { nowMs: () => Date.now() };
    return compactArchive({ dataDir: this.#config.dataDir, clock, retiredMs: 0 });
  }

  #openLog(): Promise<EventLog> {
    const limits = { segmentBytes: 3_000 };
    return EventLog.open({ disk: this.#disk, schemas: this.#plan.sources, limits });
  }
}
