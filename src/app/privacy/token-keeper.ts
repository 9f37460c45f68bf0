import type { Tokenizer } from '../../base/tokenizer.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { WrappedKey } from '../../registry/token-keys.ts';
import type { Config } from '../config.ts';
import { needsTokens, openTokenizer } from './token-keys.ts';

/**
 * What makes tokens in a server. It is read once, when definitions first need it: where the registry
 * or the key's place is away later, the server goes on.
 */
export class TokenKeeper {
  readonly #config: Config;
  readonly #known: WrappedKey | null;
  tokenizer: Tokenizer | null = null;

  private constructor(config: Config, known: WrappedKey | null) {
    this.#config = config;
    this.#known = known;
  }

  /**
   * @param known what a kept snapshot says, for a start while the registry is away
   * @throws AsofError `token_key_missing`, `token_key_invalid`, `token_key_wrong`
   */
  static async open(
    config: Config,
    plan: ProjectPlan,
    known: WrappedKey | null = null,
  ): Promise<TokenKeeper> {
    const keeper = new TokenKeeper(config, known);
    await keeper.prepare(plan);
    return keeper;
  }

  /** @throws AsofError as `open`: then the definitions before stay in use */
  async prepare(plan: ProjectPlan): Promise<void> {
    if (this.tokenizer === null && needsTokens(plan)) {
      this.tokenizer = await openTokenizer(this.#config, this.#known);
    }
  }
}
