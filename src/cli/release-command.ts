import { listReleases, publishService, rollbackService } from '../app/releases.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { PPM_PER_PERCENT, sharePpm } from './option-values.ts';
import { EXIT, table } from './output.ts';
import { exactName } from './versioned-name.ts';

export interface PublishOptions extends CommonOptions {
  readonly canary?: string;
  readonly force?: string;
  readonly author: string;
}

export interface RollbackOptions extends CommonOptions {
  readonly author: string;
  readonly reason?: string;
}

type Release = Awaited<ReturnType<typeof listReleases>>['history'][number];

export async function publishCommand(
  { config, output, options }: Context<PublishOptions>,
  text: string,
): Promise<number> {
  const { name, number } = exactName(text);
  const { release, forced, warnings } = await publishService(config, {
    service: name,
    version: number,
    canaryPpm: options.canary === undefined ? null : sharePpm('canary', options.canary, false),
    force: reasonOf(options.force),
    author: options.author,
  });
  output.finish({ ...release, forced, warnings }, () => {
    output.say(`${pc.green('✓')} ${routeText(release)}`);
    for (const warning of warnings) output.say(pc.yellow(`  ${warning}`));
    for (const one of forced) output.say(pc.yellow(`  passed over: ${one.message}`));
    output.say(pc.dim('  a running server takes it over within a second or two'));
    output.say(pc.dim(`  back: asof rollback ${name}`));
  });
  return EXIT.ok;
}

function reasonOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (text.trim() !== '') return text;
  throw new AsofError('usage', '--force takes the reason, which is kept for the record.');
}

export async function rollbackCommand(
  { config, output, options }: Context<RollbackOptions>,
  service: string,
): Promise<number> {
  const { author, reason = null } = options;
  const { release, from } = await rollbackService(config, service, author, reason);
  output.finish({ ...release, from }, () => {
    output.say(`${pc.green('✓')} ${routeText(release)}; it was ${service}@${from}`);
  });
  return EXIT.ok;
}

export async function releasesCommand(
  { config, output }: Context,
  service: string | null,
): Promise<number> {
  const { current, history } = await listReleases(config, service);
  output.finish({ current, history }, () => {
    if (current.length === 0) {
      output.say('Nothing was published: the newest version of each service answers.');
    }
    for (const release of current) output.say(pc.bold(routeText(release)));
    if (history.length > 0) output.say();
    const rows = history.map((one) => [
      new Date(one.atMs).toISOString(),
      one.action,
      routeText(one),
      one.author,
      one.reason ?? '',
    ]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
}

function routeText({ service, live, canary, canaryPpm }: Release): string {
  if (canary === null) return `${service}@${live} answers`;
  const share = canaryPpm / PPM_PER_PERCENT;
  return `${service}@${live} answers, and ${service}@${canary} for ${share} % of the keys`;
}
