import type { Disk } from '../../base/disk.ts';
import { SHADOW_FOLDER } from '../shadow-keeper.ts';
import type { KeyFinder } from './key-finder.ts';

/** A report without the examples that name somebody; null where it names nobody. */
export function reportWithout(report: unknown, finder: KeyFinder): unknown {
  let found = 0;
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const kept = value.filter((one) => !isAbout(one, finder));
      found += value.length - kept.length;
      return kept.map(without);
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, without(one)]));
  };
  const left = without(report);
  return found === 0 ? null : left;
}

function isAbout(value: unknown, finder: KeyFinder): boolean {
  if (typeof value !== 'object' || value === null || !('key' in value)) return false;
  const { key } = value;
  if (typeof key !== 'object' || key === null) return false;
  return finder.inKey(Object.fromEntries(Object.entries(key)));
}

/** Reports of shadow versions, as they are kept in files; answers how many changed. */
export function eraseShadowFiles(disk: Disk, finder: KeyFinder): number {
  let changed = 0;
  for (const name of disk.list(SHADOW_FOLDER)) {
    if (!name.endsWith('.json')) continue;
    const path = `${SHADOW_FOLDER}/${name}`;
    const left = reportWithout(parsed(new TextDecoder().decode(disk.read(path))), finder);
    if (left === null) continue;
    disk.replace(path, new TextEncoder().encode(JSON.stringify(left)));
    changed += 1;
  }
  return changed;
}

/** What is damaged counts as nothing, as for its readers. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
