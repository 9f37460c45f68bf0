import { AsofError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secrets.ts';
import { namespaceOf } from '../../schema/types.ts';
import {
  ACTIONS,
  type ActionName,
  type Decision,
  decide,
  hasRole,
  type NeededLabel,
} from './policy.ts';
import { LOCAL_USER, type Principal, type Role } from './principal.ts';

/** Told of everything that was refused, and of what was read of restricted columns (`done`). */
export type OnDenied = (
  principal: Principal,
  action: string,
  target: string,
  reason: string,
  outcome?: 'denied' | 'done',
) => void;

/** A principal at a door: what it may do, and what of an answer it may see. */
export class Viewer {
  readonly principal: Principal;
  readonly #onDenied: OnDenied;

  constructor(principal: Principal, onDenied: OnDenied = () => {}) {
    this.principal = principal;
    this.#onDenied = onDenied;
  }

  /** What was decided, and told to whoever keeps the refusals. */
  decide(
    action: ActionName,
    names: readonly string[] = [],
    needed: readonly NeededLabel[] = [],
  ): Decision {
    const namespaces = names.map(namespaceOf);
    const decision = decide(this.principal, action, { namespaces, needed });
    if (!decision.allowed) {
      this.#onDenied(this.principal, action, targetOf(names), decision.reason);
    } else if (needed.length > 0) {
      const labels = [...new Set(needed.map(({ label }) => label))].sort().join(', ');
      this.#onDenied(this.principal, action, targetOf(names), `labels: ${labels}`, 'done');
    }
    return decision;
  }

  /**
   * Passes, or throws. Of names that teach nothing the error is what `unknown` makes: that of a
   * name which does not exist.
   * @throws AsofError `forbidden`, or that of `unknown`
   */
  require(
    action: ActionName,
    names: readonly string[] = [],
    unknown: (name: string) => AsofError = unknownName,
    needed: readonly NeededLabel[] = [],
  ): void {
    const decision = this.decide(action, names, needed);
    if (decision.allowed) return;
    if (!decision.learnsNothing) throw forbidden(decision.reason);
    throw unknown(names.find((name) => !this.mayRead(name)) ?? '');
  }

  /**
   * Of commands that name nothing and so mean everything.
   * @throws AsofError `forbidden`, with nothing of what there is
   */
  requireEverywhere(action: ActionName): void {
    const { role } = ACTIONS[action];
    if (this.has(role, '*')) return;
    const reason = `'${action}' of all that there is needs the role ${role} in every namespace ('*').`;
    this.#onDenied(this.principal, action, '*', reason);
    throw forbidden(`${reason} Name what you mean.`);
  }

  /** Whether a definition of this name may be known at all. */
  mayRead(name: string): boolean {
    return this.has('reader', namespaceOf(name));
  }

  has(role: Role, namespace: string): boolean {
    return hasRole(this.principal, namespace, role);
  }

  /** Whether everything of every namespace may be read: numbers of the whole process, too. */
  get readsAll(): boolean {
    return this.has('reader', '*');
  }

  /** Those of a list of definitions that may be known. */
  visible<T extends { readonly name: string }>(list: readonly T[]): readonly T[] {
    return this.readsAll ? list : list.filter(({ name }) => this.mayRead(name));
  }
}

/** Names are whatever somebody sent, a token by mistake; what is kept of them has an end. */
function targetOf(names: readonly string[]): string {
  return withoutSecrets(names.join(' ')).slice(0, TARGET_LENGTH);
}

const TARGET_LENGTH = 300;

/** Of a project on which access control was never turned on. */
export const LOCAL_VIEWER = new Viewer(LOCAL_USER);

/** The one answer for whatever is wrong with a token: which of all it was is for log and audit. */
export function unauthenticated(): AsofError {
  return new AsofError('unauthenticated', 'No valid identity came with the request.');
}

export function forbidden(reason: string): AsofError {
  return new AsofError('forbidden', reason);
}

/** The answer for every name of a namespace in which the asker has no role, known or not. */
export function unknownName(name: string): AsofError {
  return new AsofError('unknown_name', `There is nothing named '${name}' that you may use.`, {
    path: name,
  });
}
