import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import type { Config } from '../config.ts';
import type { PublisherKeeper } from '../store/publisher-keeper.ts';
import { vacuum } from '../vacuum.ts';
import { registryAddress, withRegistry } from '../with-registry.ts';
import { eraseDatasets } from './erase-registry.ts';
import { reportWithout } from './erase-reports.ts';
import { copiesElsewhere, modelsOf, touchedBy } from './impact.ts';
import { type ForgetJob, JobFile } from './job.ts';
import type { Quiet } from './quiet.ts';
import {
  type ForgetRecord,
  recordOf,
  type StoreErasure,
  sealedRecord,
  writeRecord,
} from './record.ts';
import { once, type QuietPart, runQuietly, withRules } from './run.ts';
import { scanFiles } from './scan.ts';
import { removeReplaced, removeSpills } from './steps.ts';
import { keyHash } from './stored-keys.ts';
import { openWorld, type RunWorld, type Watching } from './world.ts';

/** So long the end of a run waits until nothing older is left in the online store. */
const STORE_WAIT_MS = 60_000;
const ONLINE_STORE = 'the online store: it was away, and is written anew once it is back';

/** How far the run is that is under way. */
export interface ForgetProgress {
  readonly id: string;
  readonly step: string;
  readonly done: number;
  readonly of: number;
}

type Quietly = <T>(work: (quiet: Quiet) => Promise<T>) => Promise<T>;

/**
 * Removes people from a platform, one run after the other. A run that was begun is brought to its
 * end, by this process or the next one.
 */
export class Forgetting {
  readonly #config: Config;
  readonly #quietly: Quietly;
  readonly #failed: (why: string) => void;
  readonly #publisher: PublisherKeeper | null;
  #running: Promise<unknown> = Promise.resolve();
  #progress: ForgetProgress | null = null;
  readonly #failures = new Map<string, AsofError>();

  /** @param failed what is served may still show somebody who is to be forgotten */
  constructor(
    config: Config,
    quietly: Quietly,
    failed: (why: string) => void,
    publisher: PublisherKeeper | null = null,
  ) {
    this.#publisher = publisher;
    this.#config = config;
    this.#quietly = quietly;
    this.#failed = failed;
  }

  /** Whether a run was begun that is not at its end. */
  get isPending(): boolean {
    return JobFile.pending(this.#config.dataDir).length > 0;
  }

  get progress(): ForgetProgress | null {
    return this.#progress;
  }

  /** Where a run stands: its record, why it failed, or null while it goes on. @throws AsofError */
  outcome(id: string): ForgetRecord | null {
    const failure = this.#failures.get(id);
    if (failure !== undefined) throw failure;
    const isOpen = existsSync(join(this.#config.dataDir, 'forget', id));
    return isOpen || this.#progress?.id === id ? null : recordOf(this.#config.dataDir, id);
  }

  /** Begins a run, durably, and brings it to its end. */
  run(job: ForgetJob, watching: Watching = {}): Promise<ForgetRecord> {
    return this.#inTurn(async () => {
      const world = await openWorld(this.#config, job, this.#watched(job, watching));
      const file = JobFile.begin(this.#config.dataDir, job);
      watching.onStep?.('begun');
      return this.#finish(file, world);
    }).catch((error: unknown) => {
      this.#failures.set(job.id, failureOf(error));
      throw error;
    });
  }

  /** Brings every run to its end that was begun. */
  resume(watching: Watching = {}): Promise<void> {
    return this.#inTurn(async () => {
      for (const file of JobFile.pending(this.#config.dataDir)) {
        const { job } = file;
        const world = await openWorld(this.#config, job, this.#watched(job, watching));
        await this.#finish(file, world);
        this.#failures.delete(job.id);
      }
    });
  }

  #watched({ id }: ForgetJob, { onProgress, onStep }: Watching): Required<Watching> {
    return {
      onStep: onStep ?? (() => {}),
      onProgress: (step, done, of) => {
        this.#progress = { id, step, done, of };
        onProgress?.(step, done, of);
      },
    };
  }

  async #finish(file: JobFile, world: RunWorld): Promise<ForgetRecord> {
    const { id, startedMs, author } = file.job;
    await noteBegun(this.#config, { id, startedMs, author });
    let part: QuietPart;
    try {
      part = await this.#quietly((quiet) => runQuietly(quiet, file, world));
    } catch (error) {
      this.#failed(`forgetting ${id} did not come to its end: ${error}`);
      throw error;
    }
    // Rows of the state that was given up are in the online store until all others are.
    await this.#publisher?.scrub();
    const isPublished = (await this.#publisher?.isSettledWithin(STORE_WAIT_MS)) ?? true;
    return endRun(file, world, part, isPublished ? [] : [ONLINE_STORE]);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#running.then(work, work).finally(() => {
      this.#progress = null;
    });
    this.#running = result.catch(() => {});
    return result;
  }
}

function failureOf(error: unknown): AsofError {
  return error instanceof AsofError ? error : new AsofError('internal', String(error));
}

/** What needs no quiet: files that nobody is served from, and the proof. */
async function endRun(
  file: JobFile,
  world: RunWorld,
  part: QuietPart,
  stale: readonly string[],
): Promise<ForgetRecord> {
  const { config, job, plans, finder, gone } = world;
  const { dataDir } = config;
  const affected = new Set(part.found.map(({ source }) => source));
  const places = gone.map(({ place }) => place);
  const touches = touchedBy(job, plans, places, affected);
  const reports = await once(file, world, 'reports', () =>
    withRegistry(config, ({ forgotten }) =>
      forgotten.eraseReports((report) => reportWithout(report, finder)),
    ),
  );
  const datasets = await once(file, world, 'datasets', () =>
    withRules(world, async (session) => {
      const task = { dataDir, session, subjects: job.subjects, gone };
      return withRegistry(config, async (registry) => {
        const { erased, services } = await eraseDatasets(registry, task, touches, job.id, file);
        return { erased, services: [...services] };
      });
    }),
  );
  await once(file, world, 'replaced', () => removeReplaced(dataDir, affected, job.graceMs));
  await once(file, world, 'remains', () => {
    const address = registryAddress(config);
    if (address.kind === 'sqlite') vacuum(address.path);
    return removeSpills(dataDir);
  });
  const scan = await withRules(world, (session) =>
    scanFiles({
      ...{ dataDir, session, subjects: job.subjects, gone },
      sinceMs: job.block ? null : job.startedMs,
      onFile: (done, of) => world.onProgress('scan', done, of),
    }),
  );
  const { erased } = datasets;
  const stores: StoreErasure[] = [
    ...Object.entries(part.stores).map(([store, [removed, kept, bytesRewritten]]) => {
      return { store, removed, kept, bytesRewritten };
    }),
    { store: 'validation_reports', removed: reports, kept: 0, bytesRewritten: 0 },
    {
      store: 'datasets',
      removed: erased.reduce((sum, { rows }) => sum + rows, 0),
      kept: 0,
      bytesRewritten: erased.reduce((sum, one) => sum + one.bytesRewritten, 0),
    },
  ];
  const firsts = part.found.flatMap(({ firstCommit }) => firstCommit ?? []);
  const record = sealedRecord({
    format: 1,
    ...{ id: job.id, startedMs: job.startedMs, finishedMs: systemClock.nowMs() },
    ...{ author: job.author, requestId: job.requestId, reason: job.reason, salt: job.salt },
    subjects: job.subjects.map(({ entity, values }) => ({
      entity,
      keyHash: keyHash(job.salt, [job.requestId ?? '', entity, ...values]),
    })),
    places,
    ...{ block: job.block, shared: job.shared, throughCommit: part.throughCommit },
    firstCommit: firsts.length === 0 ? null : Math.min(...firsts),
    stores,
    datasets: erased,
    models: modelsOf(plans, new Set(datasets.services)),
    unprovable: part.unprovable,
    notReached: [
      ...erased.flatMap(({ notReached }) => notReached ?? []),
      ...copiesElsewhere(plans, affected, config.connectors),
      ...stale,
    ],
    scan,
  });
  await endWith(file, world, record);
  return record;
}

/** Once, however often the run has to go on: the line of its end may be long in coming. */
function noteBegun(
  config: Config,
  run: Pick<ForgetJob, 'id' | 'startedMs' | 'author'>,
): Promise<void> {
  return withRegistry(config, (registry) =>
    registry.transaction(async ({ forgotten, audit }) => {
      if ((await forgotten.list()).some(({ id }) => id === run.id)) return;
      await forgotten.begin(run);
      await audit.append({
        ...{ actor: run.author, action: 'privacy.forget_begun', namespace: '*', target: run.id },
        ...{ outcome: 'done', details: {} },
      });
    }),
  );
}

/** The record first: until the job is gone, all of it can be done again. */
async function endWith(file: JobFile, { config }: RunWorld, record: ForgetRecord): Promise<void> {
  writeRecord(config.dataDir, record);
  await withRegistry(config, (registry) =>
    registry.transaction(async ({ forgotten, audit }) => {
      const { id, finishedMs, author, digest, requestId } = record;
      const run = (await forgotten.list()).find((one) => one.id === id);
      if (run?.state === 'done') return;
      await forgotten.finish(id, finishedMs, record);
      const removed = record.stores.reduce((sum, one) => sum + one.removed, 0);
      await audit.append({
        ...{ actor: author, action: 'privacy.forget', namespace: '*', target: id },
        outcome: 'done',
        details: { digest, requestId, removed, hits: record.scan.hits.length },
      });
    }),
  );
  file.end();
}
