import type { Config } from '../app/config.ts';
import type { Output } from './output.ts';

/** Options that every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly project?: string;
  readonly dataDir?: string;
  readonly definitions?: string;
  readonly tokenFile?: string;
}

/** Options of the commands that talk to a server. */
export interface RemoteOptions extends CommonOptions {
  readonly url?: string;
}

/** What a command is given. */
export interface Context<O extends CommonOptions = CommonOptions> {
  readonly config: Config;
  readonly output: Output;
  readonly options: O;
}
