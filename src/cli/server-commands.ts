import { runServer, stopSignal } from '../app/server.ts';
import type { BuiltGroups, ServerEvents } from '../app/server-events.ts';
import { runReadOnly } from '../app/store/run-read-only.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { EXIT, type Output, reportError, wholeNumber } from './output.ts';
import { sayChanges } from './plan-changes.ts';

/** `asof dev`: applies the definitions, runs everything, and reloads when a file changes. */
export async function devCommand({ config, output }: Context): Promise<number> {
  await runServer(config, { watch: true }, eventsFor(output));
  return EXIT.ok;
}

/** `asof serve`: runs what is applied, and takes over what is applied meanwhile. */
export async function serveCommand({
  config,
  output,
  options,
}: Context<ServeOptions>): Promise<number> {
  const workers = options.workers === undefined ? 0 : wholeNumber('workers', options.workers);
  if (options.readOnly !== true) {
    await runServer(config, { watch: false, workers }, eventsFor(output));
    return EXIT.ok;
  }
  if (workers > 0) throw new AsofError('usage', '--read-only is one process: leave out --workers.');
  await runReadOnly(config, stopSignal(), {
    started: (facts) => {
      output.finish({ ...facts, readOnly: true }, () => {
        const at = facts.commit === null ? 'nothing is published yet' : `commit ${facts.commit}`;
        output.say(`${pc.green('✓')} answers features at ${pc.bold(facts.url)}, ${at}`);
      });
    },
    stopping: () => output.say(pc.dim('stopping: requests end')),
  });
  return EXIT.ok;
}

export interface ServeOptions extends CommonOptions {
  readonly workers?: string;
  readonly readOnly?: boolean;
}

function eventsFor(output: Output): ServerEvents {
  return {
    started: (facts) => {
      const { url, grpcUrl, feastUrl, generation, replayedEvents, seconds, warning, ...groups } =
        facts;
      const told = {
        url,
        ...(grpcUrl === null ? {} : { grpcUrl }),
        ...(feastUrl === null ? {} : { feastUrl }),
        ...{ generation, replayedEvents, seconds, ...groups },
        ...(warning === null ? {} : { warning }),
      };
      output.finish(told, () => {
        if (warning !== null) output.say(pc.yellow(pc.bold(`! ${warning}`)));
        output.say(`${pc.green('✓')} ready at ${pc.bold(url)} after ${seconds.toFixed(2)} s`);
        if (replayedEvents > 0) output.say(pc.dim(`  ${replayedEvents} events replayed`));
        if (builtText(groups) !== '') output.say(pc.dim(`  ${builtText(groups)}`));
        output.say(pc.dim(`  POST ${url}/v1/events/<source>   POST ${url}/v1/features`));
        if (grpcUrl !== null) output.say(pc.dim(`  gRPC ${grpcUrl}`));
        if (feastUrl !== null) output.say(pc.dim(`  Feast ${feastUrl}`));
        output.say(pc.dim(`  GET  ${url}/v1/status   ${url}/openapi.json   ${url}/metrics`));
      });
    },
    applied: (diff) => {
      if (diff.changes.length > 0) sayChanges(output, diff);
    },
    reloaded: (generation, groups) => {
      output.finish({ reloaded: true, generation, ...groups }, () => {
        const built = builtText(groups);
        const how = built === '' ? '' : `: ${built}`;
        output.say(`${pc.green('✓')} reloaded, generation ${generation}${how}`);
      });
    },
    released: (routes) => {
      const shown = routes.map(({ service, live, canary, canaryPpm }) => {
        const trial = canary === null ? '' : `, ${canaryPpm / 10_000} % ${service}@${canary}`;
        return `${service}@${live}${trial}`;
      });
      output.finish({ released: true, routes }, () =>
        output.say(`${pc.green('✓')} answers now: ${shown.join('; ')}`),
      );
    },
    registry: (status) => {
      output.finish({ registry: status }, () => {
        const { state, reason, generation } = status;
        const away = `! the registry is away, generation ${generation} stays in use: ${reason}`;
        output.say(state === 'away' ? pc.yellow(away) : pc.green('✓ the registry is back'));
      });
    },
    refused: (error) => {
      reportError(error, output);
      output.say(pc.dim('  the definitions before stay in use'));
    },
    stopping: () => output.say(pc.dim('stopping: requests end, the state is saved')),
  };
}

/** `3 groups from backfill, 1 replayed`; nothing where no group is new. */
function builtText({ groupsLoaded, groupsReplayed }: BuiltGroups): string {
  if (groupsLoaded + groupsReplayed === 0) return '';
  const groups = groupsLoaded === 1 ? 'group' : 'groups';
  return `${groupsLoaded} ${groups} from backfill, ${groupsReplayed} replayed`;
}
