import { diskState } from '../../store/state-store.ts';
import type { Config } from '../config.ts';
import type { Parts } from '../platform-parts.ts';
import { nextStateFolder, useStateFolder } from '../state-folder.ts';

/** A platform into which nothing comes, and of which nothing is archived or cut by others. */
export interface Quiet {
  readonly config: Config;
  readonly parts: Parts;
  /** Makes durable what the door knows. */
  readonly checkpointDoor: () => void;
  /** Builds the state anew beside the one that is read, from archive and log, and takes it into use. */
  readonly rebuild: () => Promise<void>;
}

/** @param openEngine takes an engine into use that saves its state in a folder */
export function quietOf(
  config: Config,
  parts: Parts,
  checkpointDoor: () => void,
  openEngine: (folder: string) => Promise<void>,
): Quiet {
  const { disk } = parts;
  const rebuild = async (): Promise<void> => {
    const folder = nextStateFolder(disk);
    diskState({ disk, folder }).wipe();
    await openEngine(folder);
    useStateFolder(disk, folder);
  };
  return { config, parts, checkpointDoor, rebuild };
}
