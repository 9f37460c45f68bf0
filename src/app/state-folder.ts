import type { Disk } from '../base/disk.ts';

const FIRST = 'state';
const POINTER = 'state.folder';
const NUMBERED = /^state(?:-(\d+))?$/;

/** The folder of the state that holds; another one is being built, or was given up. */
export function stateFolder(disk: Disk): string {
  if (!disk.exists(POINTER)) return FIRST;
  const name = new TextDecoder().decode(disk.read(POINTER)).trim();
  return NUMBERED.test(name) ? name : FIRST;
}

/** A folder for a state that is built beside the one that is read. */
export function nextStateFolder(disk: Disk): string {
  const [, number = '1'] = NUMBERED.exec(stateFolder(disk)) ?? [];
  return `${FIRST}-${Number(number) + 1}`;
}

/** From now on this state holds, durably; nothing is left of the others. */
export function useStateFolder(disk: Disk, folder: string): void {
  disk.replace(POINTER, new TextEncoder().encode(`${folder}\n`));
  const [, number = '1'] = NUMBERED.exec(folder) ?? [];
  for (let at = 1; at <= Number(number) + 1; at += 1) {
    const other = at === 1 ? FIRST : `${FIRST}-${at}`;
    if (other !== folder) emptyFolder(disk, other);
  }
}

function emptyFolder(disk: Disk, folder: string): void {
  for (const name of disk.list(folder)) disk.remove(`${folder}/${name}`);
  if (disk.exists(folder)) disk.syncFolder(folder);
}
