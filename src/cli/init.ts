import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import pc from 'picocolors';
import type { Clock } from '../base/clock.ts';
import type { Output } from './output.ts';
import { projectTemplates } from './templates.ts';

/** Writes a working project; files that exist are left as they are. */
export function init(folder: string, version: string, clock: Clock, output: Output): void {
  const root = resolve(folder);
  mkdirSync(root, { recursive: true });
  const name =
    basename(root)
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '-') || 'features';
  const written: string[] = [];
  const kept: string[] = [];
  for (const { path, text } of projectTemplates(name, version, clock.nowMs())) {
    const target = join(root, path);
    if (existsSync(target)) kept.push(path);
    else {
      writeFileSync(target, text);
      written.push(path);
    }
  }
  output.finish({ folder: root, written, kept }, () => {
    for (const path of written) output.say(`${pc.green('+')} ${path}`);
    for (const path of kept) output.say(`${pc.dim('=')} ${path} ${pc.dim('(kept as it was)')}`);
    output.say();
    output.say('Next:');
    if (folder !== '.') output.say(`  cd ${folder}`);
    output.say('  npm install              once');
    output.say('  npx asof dev             everything in one process, reloads on change');
    output.say('  npx asof push payments payments.ndjson');
    output.say('  npx asof get fraud user=u3');
  });
}
