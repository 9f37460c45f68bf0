import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { cloneFolder, packageVersion } from '../app/package-version.ts';
import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { Output } from './output.ts';
import { projectTemplates } from './templates.ts';

/**
 * Writes a working project; files that exist are left as they are.
 * @throws AsofError `disk_failed`
 */
export function init(folder: string, clock: Clock, output: Output): void {
  const root = resolve(folder);
  const { written, kept } = writeProject(root, clock);
  output.finish({ folder: root, written, kept }, () => {
    for (const path of written) output.say(`${pc.green('+')} ${path}`);
    for (const path of kept) output.say(`${pc.dim('=')} ${path} ${pc.dim('(kept as it was)')}`);
    output.say();
    output.say('Next:');
    if (root !== process.cwd()) output.say(`  cd ${folder}`);
    output.say('  npm install                            once');
    output.say('  npx asof dev                           runs all, reloads on change');
    output.say('and in another terminal:');
    output.say('  npx asof push payments payments.ndjson');
    output.say('  npx asof get fraud user=u3');
  });
}

function writeProject(root: string, clock: Clock): { written: string[]; kept: string[] } {
  const written: string[] = [];
  const kept: string[] = [];
  try {
    mkdirSync(root, { recursive: true });
    for (const { path, text } of projectTemplates(packageName(root), asof(root), clock.nowMs())) {
      const target = join(root, path);
      if (existsSync(target)) kept.push(path);
      else {
        writeFileSync(target, text);
        written.push(path);
      }
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('disk_failed', `Cannot write a project in ${root}: ${reason}`, {
      path: root,
      remedy: 'Name a folder that is new or can be written to.',
      cause,
    });
  }
  return { written, kept };
}

function packageName(root: string): string {
  const name = basename(root).toLowerCase();
  return name.replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '') || 'features';
}

/** What the new project depends on: this very clone, or this version of the package. */
function asof(root: string): string {
  const clone = cloneFolder();
  return clone === null ? `^${packageVersion()}` : `file:${relative(root, clone)}`;
}
