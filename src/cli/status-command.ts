import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { count, EXIT, type Output, span, table } from './output.ts';

export async function statusCommand(context: Context<RemoteOptions>): Promise<number> {
  const status = await callServer(context, 'GET', '/v1/status');
  context.output.finish(status, () => sayStatus(context.output, status as unknown as ShownStatus));
  return EXIT.ok;
}

interface ViewMemory {
  readonly bytes: number;
  readonly budgetBytes: number | null;
  readonly atLimit: string;
  readonly hotKeys: number;
  readonly coldKeys: number;
  readonly tiles: number;
}

/** A key with at least this share of a source's events is shown. */
const SHOWN_SHARE = 0.05;

interface Tenant {
  readonly namespace: string;
  readonly admitted: number;
  readonly waiting: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly cpuMs: number;
}

interface Clocks {
  readonly watermarkMs: number | null;
  readonly lateness: { readonly events: number; readonly p99Ms: number | null };
  readonly skew: { readonly ahead: number; readonly maxMs: number };
}

interface Changes {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

interface Ids {
  readonly count: number;
  readonly bytes: number;
  readonly bytesPerId: number;
  readonly horizonMs: number;
}

interface HotKeys {
  readonly keyColumns: readonly string[];
  readonly hottest: readonly {
    readonly key: string;
    readonly shareAtLeast: number;
    readonly shareAtMost: number;
    readonly split: boolean;
  }[];
}

/** What the command shows of `GET /v1/status`. */
interface Status {
  readonly registry?: {
    readonly state: string;
    readonly generation: number;
    readonly reason: string | null;
  } | null;
  readonly state: string;
  readonly commit: number;
  readonly archivedCommit: number | null;
  readonly keys: number;
  readonly tiles: number;
  readonly stateBytes: number;
  readonly saved: {
    readonly fileBytes: number;
    readonly loads: number;
    readonly spills: number;
    readonly rebuilt: boolean;
    readonly damage: string | null;
  } | null;
  readonly pressure: {
    readonly ratio: number;
    readonly stage: string | null;
    readonly breaker: string;
  };
  readonly sources: readonly {
    readonly name: string;
    readonly applied: number;
    readonly deadLetters: number;
    readonly clocks: Clocks | null;
    readonly changes: Changes | null;
    readonly ids: Ids | null;
    readonly hotKeys: readonly HotKeys[];
    readonly rejected: number;
    readonly rejectedByCode: Readonly<Record<string, number>>;
    readonly drifting?: number;
  }[];
  readonly connectors: readonly {
    readonly name: string;
    readonly kind: string;
    readonly source: string;
    readonly state: string;
    readonly position: string;
    readonly behind: number | null;
    readonly problem: { readonly message: string; readonly remedy: string } | null;
    readonly problems: readonly string[];
  }[];
  readonly views: readonly {
    readonly name: string;
    readonly version: number;
    readonly stalenessMs: number | null;
    readonly objectiveMs: number | null;
    readonly stale: boolean;
    readonly memory: ViewMemory | null;
  }[];
  readonly tenants: readonly Tenant[];
  readonly services: readonly {
    readonly name: string;
    readonly version: number;
    readonly requests: number;
    readonly rows: number;
  }[];
}

function clockLine(name: string, { watermarkMs, lateness, skew }: Clocks): string {
  const ahead = skew.ahead > 0 ? `, clocks up to ${span(skew.maxMs)} ahead` : '';
  const mark = new Date(watermarkMs ?? 0).toISOString();
  return `  ${name}: 99 % within ${span(lateness.p99Ms ?? 0)}${ahead}; watermark ${mark}`;
}

function idLine(name: string, { count: ids, bytes, bytesPerId, horizonMs }: Ids): string {
  return (
    `  ${name}: ${count(ids)} ids in ${count(bytes)} bytes, ${count(bytesPerId)} each; ` +
    `horizon ${span(horizonMs)}`
  );
}

/** Keys that are worth a look: those that are split, or have a great part of all events. */
function hotKeyLines(name: string, { keyColumns, hottest }: HotKeys): string[] {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return hottest
    .filter(({ shareAtLeast, split }) => split || shareAtLeast >= SHOWN_SHARE)
    .map(({ key, shareAtLeast, shareAtMost, split }) => {
      const share = `${percent(shareAtLeast)} to ${percent(shareAtMost)} of the events`;
      return `  ${name} ${keyColumns.join(', ')} '${key}': ${share}${split ? ', split' : ''}`;
    });
}

function changeLine(name: string, { inserted, updated, deleted }: Changes): string {
  const counts = `${count(inserted)} inserted, ${count(updated)} updated, ${count(deleted)} deleted`;
  return `  ${name} since the start: ${counts}`;
}

function memoryLine(name: string, memory: ViewMemory): string {
  const { bytes, budgetBytes, atLimit, hotKeys, coldKeys, tiles } = memory;
  const each = (units: number): string => count(Math.round(bytes / Math.max(1, units)));
  const budget = budgetBytes === null ? '' : ` of ${count(budgetBytes)} (then ${atLimit})`;
  return (
    `  ${name}: ${count(bytes)} bytes${budget}, ${each(hotKeys)} a key and ${each(tiles)} a tile; ` +
    `${count(hotKeys)} keys in memory, ${count(coldKeys)} on disk only`
  );
}

/** What is of the whole process is absent for those who do not read every namespace. */
type ShownStatus = Pick<
  Status,
  'state' | 'sources' | 'connectors' | 'views' | 'services' | 'tenants'
> &
  Partial<Status>;

function isWhole(status: ShownStatus): status is Status {
  return status.commit !== undefined && status.pressure !== undefined;
}

function sayStatus(output: Output, status: ShownStatus): void {
  if (isWhole(status)) sayState(output, status);
  else output.say(`${pc.bold(status.state)}; of what you may read:`);
  sayRegistry(output, status);
  saySources(output, status);
  sayConnectors(output, status);
  section(
    output,
    'Views',
    status.views.map(({ name, version, stalenessMs, objectiveMs, stale }) => [
      `${name}@${version}`,
      stalenessMs === null ? 'no events yet' : `newest event ${span(stalenessMs)} old`,
      objectiveMs === null
        ? 'no freshness declared'
        : `${stale ? pc.yellow('stale') : pc.green('fresh')}, ${span(objectiveMs)} declared`,
    ]),
  );
  section(
    output,
    'Services',
    status.services.map(({ name, version, requests, rows }) => [
      `${name}@${version}`,
      `${count(requests)} requests`,
      `${count(rows)} rows`,
    ]),
  );
  if (status.tenants.length > 0) section(output, 'Tenants', status.tenants.map(tenantRow));
}

function tenantRow({ namespace, admitted, waiting, refused, cpuMs }: Tenant): string[] {
  const reasons = Object.entries(refused).filter(([, times]) => times > 0);
  const text = reasons.map(([reason, times]) => `${count(times)} by ${reason}`).join(', ');
  const sentAway = text === '' ? 'none sent away' : pc.yellow(`sent away: ${text}`);
  const waits = waiting === 0 ? '' : `, ${count(waiting)} wait`;
  return [namespace, `${count(admitted)} requests${waits}`, `${span(cpuMs)} of CPU`, sentAway];
}

function section(output: Output, title: string, rows: readonly (readonly string[])[]): void {
  output.say(pc.bold(title));
  for (const line of table(rows)) output.say(`  ${line}`);
}

function sayState(output: Output, status: Status): void {
  const kibibytes = Math.ceil(status.stateBytes / 1024);
  output.say(`${pc.bold(status.state)} at commit ${count(status.commit)}`);
  output.say(
    `  ${count(status.keys)} keys in ${count(status.tiles)} tiles, ${count(kibibytes)} KiB; ` +
      `archived through commit ${count(status.archivedCommit ?? 0)}`,
  );
  const { saved, pressure } = status;
  if (saved !== null) {
    output.say(
      `  ${count(Math.ceil(saved.fileBytes / 1024))} KiB saved; ${count(saved.loads)} keys came ` +
        `from disk, ${count(saved.spills)} left memory since the start`,
    );
    if (saved.rebuilt) output.say('  the saved state was damaged, and was built anew');
    if (saved.damage !== null) output.say(`  the saved state is damaged: ${saved.damage}`);
  }
  if (pressure.breaker !== 'closed') {
    output.say('  the state cannot be saved now; the log has every event, and it is tried again');
  }
  if (pressure.ratio >= 0.5) {
    const percent = Math.round(pressure.ratio * 100);
    output.say(`  ${pressure.stage}: ${percent} % full; pushes are slowed, and refused when full`);
  }
  for (const { name, memory } of status.views) {
    if (memory !== null) output.say(memoryLine(name, memory));
  }
}

/** Nothing where it answers: that is as it should be. */
function sayRegistry(output: Output, { registry = null }: ShownStatus): void {
  if (registry === null || registry.state === 'connected') return;
  const { generation, reason } = registry;
  output.say(pc.yellow(`! the registry is away, generation ${generation} is in use: ${reason}`));
}

function saySources(output: Output, status: ShownStatus): void {
  section(
    output,
    'Sources',
    status.sources.map(({ name, applied, deadLetters }) => [
      name,
      `${count(applied)} events`,
      `${count(deadLetters)} dead letters`,
    ]),
  );
  for (const { name, ids, changes } of status.sources) {
    if (ids !== null && ids.count > 0) output.say(idLine(name, ids));
    if (changes !== null) output.say(changeLine(name, changes));
  }
  for (const { name, hotKeys } of status.sources) {
    for (const line of hotKeys.flatMap((keys) => hotKeyLines(name, keys))) output.say(line);
  }
  for (const { name, clocks } of status.sources) {
    if (clocks !== null && clocks.watermarkMs !== null) output.say(clockLine(name, clocks));
  }
  for (const { name, rejected, rejectedByCode, drifting = 0 } of status.sources) {
    const reasons = Object.entries(rejectedByCode).map(([code, n]) => `${count(n)} ${code}`);
    if (rejected > 0) output.say(`  ${name} rejected since the start: ${reasons.join(', ')}`);
    if (drifting > 0) {
      output.say(
        `  ${name}: ${count(drifting)} columns are not as declared; see asof drift ${name}`,
      );
    }
  }
}

function sayConnectors(output: Output, status: ShownStatus): void {
  if (status.connectors.length > 0) {
    section(
      output,
      'Connectors',
      status.connectors.map(({ name, kind, source, state, position, behind }) => [
        name,
        `${kind} to ${source}`,
        state,
        `${position}${behind === null ? '' : `, ${count(behind)} behind`}`,
      ]),
    );
  }
  for (const { name, problem, problems } of status.connectors) {
    if (problem !== null) output.say(`  ${name}: ${problem.message} ${problem.remedy}`);
    for (const part of problems) output.say(`  ${name}: ${part}`);
  }
}
