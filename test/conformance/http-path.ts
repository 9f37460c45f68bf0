import type { FastifyInstance } from 'fastify';
import { feastPort } from '../../src/app/feast/feast-port.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import { createHttpServer } from '../../src/http/http-server.ts';
import type { LetterFilter } from '../../src/ingest/letter-filter.ts';
import type { ReadmitResult } from '../../src/ingest/letter-readmission.ts';
import type { PushResult, RowVerdict } from '../../src/ingest/push.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { parseDecimal } from '../../src/schema/json.ts';
import { canonicalInteger, type Scalar, type ValueType } from '../../src/schema/types.ts';
import { type OracleKey, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { AcceptanceCheck } from './acceptance-path.ts';
import { naiveJson, serviceOf } from './answers.ts';
import { askFeast } from './feast-path.ts';
import { SERVICE } from './generate-definitions.ts';
import { exactJson, type Push } from './generate-events.ts';
import { sentRow } from './generate-on-demand.ts';
import { randomKey } from './keys.ts';
import { Platform } from './platform.ts';
import { ProtocolDoors } from './protocols-path.ts';
import { checkReadmission, randomLetterFilter } from './readmission.ts';
import { servedStatuses } from './served-status.ts';
import { shownKey, type Tally } from './tally.ts';
import { edgeAfter } from './times.ts';

export interface HttpCase {
  readonly random: Random;
  readonly plan: ProjectPlan;
  readonly pushes: readonly Push[];
  readonly stateFolder: string;
  /** The protocols by which features are asked for as well, beside JSON. */
  readonly protocols: readonly Protocol[];
}

export const PROTOCOLS = ['connect', 'grpc', 'arrow', 'feast'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** The same through the front door: events posted in every form, features as JSON text. */
export async function runHttp(tally: Tally, one: HttpCase): Promise<void> {
  const { random, plan, pushes, stateFolder, protocols } = one;
  const clock = new ManualClock(pushes[0]?.nowMs ?? 0);
  const platform = new Platform(plan, {
    random,
    clock,
    clockMode: 'wall',
    doorLagMs: () => 0,
    stateFolder,
    doorLimits: {},
    segmentBytes: 1_000_000,
    serveLogOf: () => null,
  });
  await platform.openDoor();
  await platform.openEngine();
  const doors = new ProtocolDoors();
  const app = appOf(platform, doors);
  if (protocols.length > 0) await doors.open(app);
  const oracle = new PlatformOracle(plan, platform.events);
  const acceptance = new AcceptanceCheck(tally);
  for (const push of pushes) {
    clock.advanceTo(push.nowMs);
    const before = platform.batches.length;
    const result = await postEvents(tally, random, app, push);
    const made = platform.batches.slice(before);
    acceptance.check(push.source, push.lines, clock.nowMs(), result, made);
    if (random.below(4) === 0) {
      const { source } = push;
      const filter = randomLetterFilter(random);
      // Over HTTP duplicates are only tried where they are asked for.
      const meant = filter.code === undefined ? { except: 'duplicate', ...filter } : filter;
      await checkReadmission(tally, acceptance, platform, source, clock.nowMs(), meant, () =>
        postReadmission(app, source.name, filter),
      );
    }
    platform.apply();
    if (random.below(3) === 0) clock.advanceTo(edgeAfter(random, oracle, clock.nowMs(), 60_000));
    const { keys, json } = await askOverHttp(tally, random, app, oracle, platform);
    for (const protocol of protocols) {
      await tally.time(protocol, () =>
        protocol === 'feast'
          ? askFeast(tally, app, oracle, keys, json)
          : doors.ask(tally, protocol, oracle, keys, json),
      );
    }
  }
  if (protocols.length > 0) await doors.close();
  await app.close();
  await platform.end('kill');
}

function appOf(platform: Platform, { server }: ProtocolDoors): FastifyInstance {
  return createHttpServer({
    server,
    features: platform.server,
    feast: feastPort(() => platform.plan),
    ingestor: {
      push: (source, rows, pinned) => platform.ingestor.push(source, rows, pinned),
      sources: platform.plan.sources.map(({ name }) => name),
    },
    deadLetters: {
      count: () => 0,
      counts: async () => [],
      list: () => [],
      newest: () => [],
      readmit: (source, filter) => platform.ingestor.readmit(source, filter),
    },
    lateness: () => ({}),
    drift: () => ({}),
    state: () => 'ready',
    status: () => {
      throw new TypeError('nobody asks for the status here');
    },
    metrics: {
      contentType: 'text/plain',
      request: () => ({ observe: () => {} }),
      stage: () => ({ observe: () => {} }),
      text: async () => '',
    },
    logger: silentLogger,
    packageVersion: '0.0.0',
  });
}

/** As NDJSON, as an array, or one by one. */
async function postEvents(
  tally: Tally,
  random: Random,
  app: FastifyInstance,
  push: Push,
): Promise<PushResult> {
  const { lines } = push;
  const isJson = push.rows !== null;
  const form = isJson ? random.below(4) : 0;
  if (form < 2) return post(app, push, 'application/x-ndjson', lines.join('\n'));
  if (form === 2) return post(app, push, 'application/json', `[${lines.join(',')}]`);
  tally.cover('events posted one by one');
  const sum = { received: 0, accepted: 0, rejected: 0, commit: 0 };
  const rows: RowVerdict[] = [];
  for (const [at, line] of lines.entries()) {
    const one = await post(app, push, 'application/json', line);
    for (const verdict of one.rows) rows.push({ ...verdict, row: at });
    sum.received += one.received;
    sum.accepted += one.accepted;
    sum.rejected += one.rejected;
    sum.commit = one.commit;
  }
  return { ...sum, rows };
}

async function post(
  app: FastifyInstance,
  push: Push,
  type: string,
  payload: string,
): Promise<PushResult> {
  const response = await app.inject({
    method: 'POST',
    url: `/v1/events/${push.source.name}`,
    headers: { 'content-type': type },
    payload,
  });
  const body = JSON.parse(response.body) as PushResult & { rejections?: RowVerdict[] };
  if (body.rejections === undefined) throw new TypeError(`events refused: ${response.body}`);
  return { ...body, rows: body.rejections };
}

async function postReadmission(app: FastifyInstance, source: string, filter: LetterFilter) {
  const { code, limit } = filter;
  const response = await app.inject({
    method: 'POST',
    url: `/v1/dead-letters/${source}/readmit`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ code, limit }),
  });
  const { tried, accepted, rejections } = JSON.parse(response.body) as ReadmitResult & {
    rejections: ReadmitResult['refused'];
  };
  return { tried, accepted, refused: rejections };
}

async function askOverHttp(
  tally: Tally,
  random: Random,
  app: FastifyInstance,
  oracle: PlatformOracle,
  platform: Platform,
): Promise<{ readonly keys: readonly OracleKey[]; readonly json: string }> {
  const { plan } = platform;
  const service = serviceOf(plan);
  const keys = Array.from({ length: 1 + random.below(4) }, () => randomKey(random, service));
  const sent = keys.map((key) => sentRow(service, key));
  const json = exactJson({ service: SERVICE, rows: sent });
  const response = await app.inject({
    method: 'POST',
    url: '/v1/features',
    headers: { 'content-type': 'application/json' },
    payload: json,
  });
  tally.compare('http', response.statusCode, 200, () => `the answer ${response.body}`);
  const same = asciiJson(naiveJson(plan, platform.server.get(SERVICE, sent)));
  tally.compare('http', asciiJson(response.body), same, () => 'the JSON text of an answer');
  checkBody(tally, oracle, response.body, keys);
  return { keys, json };
}

/** JSON with every other character escaped, as a writer may choose to. */
function asciiJson(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

interface WireAnswer {
  readonly asOfMs: string;
  readonly position: { readonly commit: string };
  readonly rows: readonly {
    readonly values: Readonly<Record<string, unknown>>;
    readonly statuses: Readonly<Record<string, string>>;
  }[];
}

/** A number of the wire, by its digits. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function checkBody(
  tally: Tally,
  oracle: PlatformOracle,
  body: string,
  keys: readonly OracleKey[],
): void {
  const answer = JSON.parse(body, (_name, value, context?: { source?: string }) =>
    typeof value === 'number' ? new NumberText(context?.source ?? '') : value,
  ) as WireAnswer;
  const service = serviceOf(oracle.plan);
  const asOfMs = Number(textOf(answer.asOfMs));
  const commit = Number(textOf(answer.position.commit));
  tally.compare('http', answer.rows.length, keys.length, () => 'rows of an answer');
  keys.forEach((key, i) => {
    const row = answer.rows[i];
    if (row === undefined) return;
    const expected = oracle.service(service, key, asOfMs, (event) => event.commit <= commit);
    const statuses = servedStatuses(oracle, service, expected, asOfMs, commit);
    for (const { name, type } of [...service.features, ...service.onDemand]) {
      const what = (): string => `${name} for ${shownKey(key)} at ${asOfMs}, commit ${commit}`;
      const value = wireValue(row.values[name], type);
      tally.compare('http', value, expected.get(name)?.value, what);
      const status = statuses.get(name);
      tally.compare('http', row.statuses[name], status, () => `the status of ${what()}`);
    }
  });
}

function textOf(value: unknown): string {
  return value instanceof NumberText ? value.text : String(value);
}

/** A feature as it was sent, with the fields of counts in their order. */
function wireValue(value: unknown, type: ValueType): unknown {
  if (type.kind === 'vector' && Array.isArray(value)) {
    return value.map((item) => Number(textOf(item)));
  }
  if ((type.kind !== 'list' && type.kind !== 'counts') || !Array.isArray(value)) {
    return wireScalar(value, type);
  }
  if (type.kind === 'list') return value.map((item) => wireScalar(item, type.of));
  return value.map((entry: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(entry).map(([name, part]) => [
        name,
        wireScalar(part, name === 'count' ? { kind: 'int64' } : type.of),
      ]),
    ),
  );
}

/** What the digits say, by the declared type of the feature. */
function wireScalar(value: unknown, type: ValueType): Scalar | undefined {
  if (!(value instanceof NumberText)) {
    const isPlain = value === null || typeof value === 'string' || typeof value === 'boolean';
    return isPlain ? value : undefined;
  }
  if (type.kind === 'float64') return Number(value.text);
  if (type.kind === 'decimal') return parseDecimal(value.text, type.scale);
  return /^-?\d+$/.test(value.text) ? canonicalInteger(BigInt(value.text)) : undefined;
}
