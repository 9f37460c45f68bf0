import type { ServedAnswer } from '../../store/serve-log.ts';
import type { ConfigOverrides } from '../config.ts';
import type { StoreConfig } from './store-config.ts';

/** What a primary tells a worker. */
export type ToWorker =
  | {
      readonly kind: 'start';
      /** The folder of `asof.json`; settings that hold secrets are read there. */
      readonly root: string;
      readonly overrides: ConfigOverrides;
      /** Where the file names none. */
      readonly store: StoreConfig;
      /** Where the primary answers, for this machine alone. */
      readonly primary: string;
      /** Names the start of the primary: see `WorkerNote`. */
      readonly crew: string;
      /** Its name among those who count reads. */
      readonly part: string;
      /** How many workers there are. */
      readonly processes: number;
    }
  | { readonly kind: 'metrics'; readonly number: number }
  | { readonly kind: 'end' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Answers for the serve log, which the primary writes. */
  | { readonly kind: 'served'; readonly answers: readonly ServedAnswer[] }
  | { readonly kind: 'metrics'; readonly number: number; readonly text: string };
