import { clearStore } from '../app/store/clear-store.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { EXIT, type Output } from './output.ts';

const LOOK_MS = 200;

interface StoreFacts {
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
  readonly commit: number | null;
  readonly lagCommits: number;
  readonly lagMs: number;
  readonly building: { readonly rows: number; readonly of: number } | null;
  readonly selectedGroups: number;
  readonly selectedKeys: number;
  readonly coldReads: number;
  readonly publishes: number;
  readonly rows: number;
  readonly bytes: number;
}

/** `asof store status`: how far the online store is kept up. */
export async function storeStatusCommand(context: Context<RemoteOptions>): Promise<number> {
  const facts = factsIn(await callServer(context, 'GET', '/v1/store'));
  context.output.finish(facts, () => sayFacts(context.output, facts));
  return facts.state === 'publishing' || facts.state === 'building' ? EXIT.ok : EXIT.failed;
}

/** `asof store rebuild`: writes all rows anew, and waits until they are what readers see. */
export async function storeRebuildCommand(context: Context<RemoteOptions>): Promise<number> {
  const { output } = context;
  const before = factsIn(await callServer(context, 'GET', '/v1/store'));
  await callServer(context, 'POST', '/v1/store/rebuild', { expected: [202] });
  const startMs = Date.now();
  let progress = output.progress('rows', 0);
  let total = 0;
  for (;;) {
    const facts = factsIn(await callServer(context, 'GET', '/v1/store'));
    if (facts.building !== null && facts.building.of !== total) {
      progress.stop();
      total = facts.building.of;
      progress = output.progress('rows', total);
    }
    progress.update(facts.building?.rows ?? total, facts.state);
    const isDone =
      facts.state === 'publishing' && facts.building === null && facts.rebuilds > before.rebuilds;
    if (isDone || facts.state === 'stopped') {
      progress.stop();
      const seconds = (Date.now() - startMs) / 1000;
      output.finish({ ...facts, seconds }, () => {
        if (isDone) output.say(`${pc.green('✓')} rebuilt after ${seconds.toFixed(1)} s`);
        sayFacts(output, facts);
      });
      return isDone ? EXIT.ok : EXIT.failed;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** `asof store clear`: removes all rows; by the server where one runs. */
export async function storeClearCommand(context: Context<RemoteOptions>): Promise<number> {
  const { config, options, output } = context;
  const isHere = options.url === undefined && (await clearStore(config));
  if (!isHere) await callServer(context, 'POST', '/v1/store/clear');
  output.finish({ cleared: true }, () => {
    output.say(`${pc.green('✓')} the online store is empty`);
    if (!isHere) output.say(pc.dim('  nothing is published until `asof store rebuild`'));
  });
  return EXIT.ok;
}

type Facts = StoreFacts & { readonly rebuilds: number };

function factsIn(answer: Record<string, unknown>): Facts {
  return answer as unknown as Facts;
}

function sayFacts(output: Output, facts: Facts): void {
  const { kind, state, commit, lagCommits, lagMs, building, reason } = facts;
  output.say(`${kind}: ${state}, readers see commit ${commit ?? 'nothing yet'}`);
  if (lagCommits > 0) output.say(`  ${lagCommits} commits behind for ${Math.round(lagMs)} ms`);
  if (building !== null) output.say(`  ${building.rows} of ${building.of} rows written`);
  if (facts.selectedGroups > 0) {
    const groups =
      facts.selectedGroups === 1 ? '1 tile group' : `${facts.selectedGroups} tile groups`;
    output.say(`  of ${groups} only what is read: ${facts.selectedKeys} keys`);
    output.say(`  ${facts.coldReads} rows given to readers beside the store`);
  }
  if (reason !== null) output.say(pc.yellow(`  ${reason}`));
}
