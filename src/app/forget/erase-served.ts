import { join } from 'node:path';
import { NodeDisk } from '../../base/node-disk.ts';
import { parseJson } from '../../schema/json.ts';
import { dayFiles } from '../../store/serve-log.ts';
import type { ErasedLines } from './erase-letters.ts';
import type { KeyFinder } from './key-finder.ts';

/** `name@version` of services, and of these the outputs whose values may be keys of the person. */
export interface ServedRules {
  /** Outputs that look at what was emptied: what was answered before can be proven no more. */
  readonly unprovable: ReadonlySet<string>;
}

/**
 * Takes the sampled answers out that are about the person, and those that nobody can prove any more
 * because they looked at the person's columns. A day at a time: the caller sees to it that nothing
 * is written meanwhile.
 */
export function eraseServed(
  dataDir: string,
  finder: KeyFinder,
  { unprovable }: ServedRules,
): ErasedLines & { readonly unprovable: number } {
  const disk = new NodeDisk(join(dataDir, 'served'));
  const sum = { files: 0, lines: 0, bytesRewritten: 0, unprovable: 0 };
  for (const path of dayFiles(disk)) {
    const lines = Buffer.from(disk.read(path)).toString().split('\n');
    const kept = lines.filter((line) => {
      const verdict = line === '' ? 'kept' : judge(line, finder, unprovable);
      if (verdict === 'person') sum.lines += 1;
      if (verdict === 'unprovable') sum.unprovable += 1;
      return verdict === 'kept';
    });
    if (kept.length === lines.length) continue;
    const bytes = Buffer.from(kept.join('\n'));
    disk.replace(path, bytes);
    sum.files += 1;
    sum.bytesRewritten += bytes.length;
  }
  return sum;
}

type Verdict = 'kept' | 'person' | 'unprovable';

function judge(line: string, finder: KeyFinder, unprovable: ReadonlySet<string>): Verdict {
  let answer: unknown;
  try {
    answer = parseJson(line);
  } catch {
    return finder.inText(line) ? 'person' : 'kept';
  }
  if (typeof answer !== 'object' || answer === null || !('key' in answer)) return 'kept';
  const { key } = answer;
  if (
    typeof key === 'object' &&
    key !== null &&
    finder.inKey(Object.fromEntries(Object.entries(key)))
  ) {
    return 'person';
  }
  const { service, version } = named(answer);
  const title = `${service}@${version}`;
  const fields = 'request' in answer ? answer.request : null;
  if (finder.inValue(fields)) return 'person';
  return unprovable.has(title) ? 'unprovable' : 'kept';
}

function named(answer: object): { readonly service: string; readonly version: string } {
  const service = 'service' in answer ? String(answer.service) : '';
  return { service, version: 'version' in answer ? String(answer.version) : '' };
}
