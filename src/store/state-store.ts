import { StateFiles, type StateOptions } from './state-files.ts';

/** Where checkpoints live. */
export interface StateStore {
  /** @throws AsofError `corrupt_state`, `newer_format` */
  open(): StateFiles;
  /** Gives up what is saved, so that `open` finds nothing. */
  wipe(): void;
}

export function diskState(options: StateOptions): StateStore {
  return { open: () => StateFiles.open(options), wipe: () => StateFiles.wipe(options) };
}
