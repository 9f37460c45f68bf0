import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { pause } from '../base/pause.ts';
import { definitionEvents, type EventContext, type Told } from '../plan/openlineage.ts';
import {
  eventSchema,
  facetsBy,
  type LineageDataset,
  type LineageJob,
  type OpenLineageEvent,
  type RunEvent,
} from '../plan/openlineage-form.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import type { OpenLineageConfig } from './openlineage-config.ts';
import { Outbox, type SendEvent } from './openlineage-outbox.ts';
import { packageVersion } from './package-version.ts';
import { type AppliedChange, appliedPlan, applyProject } from './project.ts';

/** A run as it is told: of which job, from what to what. */
export interface ToldRun {
  readonly job: LineageJob;
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
}

/**
 * Every definition that is applied, as OpenLineage tells it, of what whoever asks may see.
 * @throws AsofError `not_applied`
 */
export async function appliedEvents(config: Config): Promise<OpenLineageEvent[]> {
  const { plan } = await appliedPlan(config);
  const viewer = viewerOf(config);
  return definitionEvents(
    visiblePlan(plan, (name) => viewer.mayRead(name)),
    contextOf(config),
  );
}

/** Without the definitions that may not be seen: what reads them names nothing of theirs. */
function visiblePlan(plan: ProjectPlan, visible: (name: string) => boolean): ProjectPlan {
  const seen = <T extends { readonly name: string }>(list: readonly T[]): T[] =>
    list.filter(({ name }) => visible(name));
  return {
    ...plan,
    sources: seen(plan.sources),
    entities: seen(plan.entities),
    views: seen(plan.views).filter(({ source }) => visible(source)),
    services: seen(plan.services).map((service) => ({
      ...service,
      features: service.features.filter(({ view }) => visible(view)),
    })),
    datasets: seen(plan.datasets).filter(({ service }) => visible(service)),
    models: seen(plan.models).filter(({ service }) => visible(service)),
    dashboards: seen(plan.dashboards).map((one) => ({
      ...one,
      reads: one.reads.filter(({ view }) => visible(view)),
    })),
  };
}

/** Tells what an apply changed. Never fails. */
export async function tellDefinitions(
  config: Config,
  plan: ProjectPlan,
  told: readonly Told[],
): Promise<void> {
  const outbox = outboxOf(config.openLineage);
  if (outbox === null) return;
  try {
    outbox.tell(definitionEvents(plan, contextOf(config), told));
  } catch (error) {
    warn(`the definitions could not be told: ${String(error)}`);
  }
  await closed(outbox);
}

/** Applies, and tells what changed beside whatever comes next. */
export async function applyAndTell(config: Config, author: string): Promise<AppliedChange> {
  const applied = await applyProject(config, author);
  void tellDefinitions(config, applied.plan, applied.diff.changes);
  return applied;
}

/**
 * Does work, and tells when it starts and how it ends. What is told is found out beside the work,
 * which waits for none of it and fails by none of it.
 */
export async function tellRun<T>(
  config: Config,
  describe: (plan: ProjectPlan) => ToldRun,
  work: () => Promise<T>,
): Promise<T> {
  const outbox = outboxOf(config.openLineage);
  if (outbox === null) return work();
  const runId = randomUUID();
  const described = appliedPlan(config).then(
    ({ plan }) => describe(plan),
    () => null,
  );
  const tell = async (
    eventType: RunEvent['eventType'],
    eventTime: string,
    error: unknown,
  ): Promise<void> => {
    const run = await described;
    if (run !== null) outbox.tell([runEvent(run, { eventType, eventTime, runId, error })]);
  };
  const started = tell('START', nowText(), null);
  try {
    const result = await work();
    await started;
    await tell('COMPLETE', nowText(), null);
    return result;
  } catch (error) {
    await started;
    await tell('FAIL', nowText(), error);
    throw error;
  } finally {
    await closed(outbox);
  }
}

function runEvent(
  { job, inputs, outputs }: ToldRun,
  at: {
    readonly eventType: RunEvent['eventType'];
    readonly eventTime: string;
    readonly runId: string;
    readonly error: unknown;
  },
): RunEvent {
  const { eventType, eventTime, runId, error } = at;
  const facet = facetsBy(producer());
  const processing = { processingType: 'BATCH', integration: 'ASOF', jobType: 'COMMAND' };
  const facets = { jobType: facet('JobTypeJobFacet', processing) };
  const failed =
    error === null
      ? {}
      : {
          facets: {
            errorMessage: facet('ErrorMessageRunFacet', {
              // Messages may hold values; the code does not.
              message: error instanceof AsofError ? error.code : 'internal',
              programmingLanguage: 'typescript',
            }),
          },
        };
  return {
    ...{ eventType, eventTime, producer: producer(), schemaURL: eventSchema('RunEvent') },
    run: { runId, ...failed },
    job: { ...job, facets },
    ...{ inputs, outputs },
  };
}

function outboxOf(openLineage: OpenLineageConfig): Outbox | null {
  return openLineage === null ? null : new Outbox(senderOf(openLineage), pause);
}

function senderOf(openLineage: NonNullable<OpenLineageConfig>): SendEvent {
  if (openLineage.kind === 'file') {
    return (event) => appendFile(openLineage.path, `${JSON.stringify(event)}\n`);
  }
  const { url, headers } = openLineage;
  return async (event, signal) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(event),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMITS.openLineageTimeoutMs)]),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  };
}

async function closed(outbox: Outbox): Promise<void> {
  const { lost, reason } = await outbox.close();
  if (lost === 0) return;
  warn(`${lost} OpenLineage event(s) could not be told: ${reason}`);
}

function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

function producer(): string {
  return `urn:asof:${packageVersion()}`;
}

function nowText(): string {
  return new Date(systemClock.nowMs()).toISOString();
}

function contextOf({ postgres }: Config): EventContext {
  return {
    producer: producer(),
    eventTime: nowText(),
    postgresOf: (connection) => addressOf(postgres[connection] ?? process.env[connection]),
  };
}

/** Host, port and database of a URL; never its user or password. */
function addressOf(url: string | undefined): { namespace: string; database: string } | null {
  if (url === undefined || !URL.canParse(url)) return null;
  const { hostname, port, pathname } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1)) || 'postgres';
  return { namespace: `postgres://${hostname}:${port || '5432'}`, database };
}
