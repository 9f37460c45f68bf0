import { type Grant, type Principal, ROLES, type Role } from './principal.ts';

/**
 * Where an action needs its role: in the namespace of everything that a request names, in every
 * namespace at once (a grant of `*`), or in any one, where the answer is cut to what may be read.
 */
export type Where = 'named' | 'everywhere' | 'somewhere';

interface Rule {
  readonly role: Role;
  readonly where: Where;
}

const named = (role: Role): Rule => ({ role, where: 'named' });
const everywhere = (role: Role): Rule => ({ role, where: 'everywhere' });
const somewhere = (role: Role): Rule => ({ role, where: 'somewhere' });

/** The one table of what can be done. What is not in it is done by nobody. */
export const ACTIONS = {
  // Reading.
  'features.read': named('reader'),
  'services.read': named('reader'),
  'services.list': somewhere('reader'),
  'catalogue.search': somewhere('reader'),
  'lineage.read': named('reader'),
  'lineage.export': somewhere('reader'),
  'lateness.read': named('reader'),
  'status.read': somewhere('reader'),
  'cost.read': somewhere('reader'),
  'metrics.read': somewhere('reader'),
  'openapi.read': somewhere('reader'),
  'dead_letters.read': named('reader'),
  'dead_letters.list': somewhere('reader'),
  'datasets.read': named('reader'),
  'datasets.list': somewhere('reader'),
  'releases.list': somewhere('reader'),
  'lifecycle.read': somewhere('reader'),
  'access.whoami': somewhere('reader'),
  // Beside what a command needs: what it shows asks for labels.
  'restricted.read': somewhere('reader'),
  // Writing events.
  'features.push': named('writer'),
  'events.import': named('writer'),
  'dead_letters.readmit': named('writer'),
  materialize: named('writer'),
  reconcile: named('writer'),
  // Definitions, and what is made by them.
  'definitions.plan': named('editor'),
  'definitions.apply': named('editor'),
  'lifecycle.submit': named('editor'),
  'lifecycle.activate': named('editor'),
  'lifecycle.deprecate': named('editor'),
  'lifecycle.retire': named('editor'),
  'release.validate': named('editor'),
  'release.publish': named('editor'),
  'release.rollback': named('editor'),
  'release.shadow': named('editor'),
  train: named('editor'),
  verify: named('editor'),
  'verify.served': somewhere('editor'),
  'datasets.build': named('editor'),
  'datasets.delete': named('editor'),
  backfill: named('editor'),
  // By somebody else than the author.
  'lifecycle.approve': named('approver'),
  'lifecycle.reject': named('approver'),
  // Governing.
  'access.manage': named('admin'),
  'access.list': somewhere('admin'),
  'access.identities': everywhere('admin'),
  'privacy.forget': named('admin'),
  'privacy.keys': everywhere('admin'),
  // With the ids of persons where everybody else is given tokens.
  'train.ids': named('admin'),
  'audit.read': somewhere('admin'),
  'audit.verify': everywhere('admin'),
  gc: everywhere('admin'),
  'store.manage': everywhere('admin'),
} as const satisfies Readonly<Record<string, Rule>>;

export type ActionName = keyof typeof ACTIONS;

/** What a request is about. */
export interface Resource {
  /** Of everything that it names, each; not looked up anywhere, so that nothing is learnt. */
  readonly namespaces: readonly string[];
  /** Labels that column rules ask of whoever reads it, and of what. */
  readonly needed?: readonly NeededLabel[];
}

export interface NeededLabel {
  readonly label: string;
  /** `fraud.spend@2.amount_1h`, or a source's column. */
  readonly of: string;
}

export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** For whoever asks, unless it learns nothing; and for log and audit. */
      readonly reason: string;
      /** The answer must be that of names which do not exist. */
      readonly learnsNothing: boolean;
    };

const ALLOWED: Decision = Object.freeze({ allowed: true });

/**
 * The one function behind every door. It looks at grants and names alone and never at what exists:
 * what another team has cannot be told from what nobody has, not even by the time it takes.
 */
export function decide(principal: Principal, action: string, resource: Resource): Decision {
  const rule = ruleOf(action);
  if (rule === null) return denied(`'${action}' is no action of the policy.`);
  const { role, where } = rule;
  if (where === 'everywhere') {
    if (!hasRole(principal, '*', role)) {
      return denied(`'${action}' needs the role ${role} in every namespace ('*').`);
    }
  } else if (where === 'somewhere') {
    if (!principal.grants.some((grant) => reaches(grant.role, role))) {
      return denied(`'${action}' needs the role ${role} in some namespace.`);
    }
  } else if (resource.namespaces.length === 0) {
    return denied(`'${action}' was asked of nothing by name.`);
  }
  const refusal = where === 'named' ? firstRefusal(principal, action, role, resource) : null;
  return refusal ?? labelled(principal, resource.needed ?? []);
}

/** Names that teach nothing come first: a mixed request must not tell them from unknown ones. */
function firstRefusal(
  principal: Principal,
  action: string,
  role: Role,
  { namespaces }: Resource,
): Decision | null {
  const refused = namespaces.filter((namespace) => !hasRole(principal, namespace, role));
  const [first] = refused;
  if (first === undefined) return null;
  const unseen = refused.find((namespace) => !hasRole(principal, namespace, 'reader'));
  const reason = `'${action}' needs the role ${role} in the namespace '${unseen ?? first}'.`;
  return { allowed: false, reason, learnsNothing: unseen !== undefined };
}

function labelled(principal: Principal, needed: readonly NeededLabel[]): Decision {
  if (isLocal(principal)) return ALLOWED;
  const missing = needed.filter(({ label }) => !principal.labels.includes(label));
  if (missing.length === 0) return ALLOWED;
  const shown = missing.slice(0, MISSING_SHOWN).map(({ label, of }) => `${of} ('${label}')`);
  const rest = missing.length - shown.length;
  const more = rest > 0 ? `, and ${rest} more` : '';
  return denied(`These need a label that you do not have: ${shown.join(', ')}${more}.`);
}

const MISSING_SHOWN = 20;

function denied(reason: string): Decision {
  return { allowed: false, reason, learnsNothing: false };
}

function ruleOf(action: string): Rule | null {
  const rules: Readonly<Record<string, Rule>> = ACTIONS;
  return Object.hasOwn(rules, action) ? (rules[action] ?? null) : null;
}

/** Whether access control is off: nobody has to ask for labels then. */
export function isLocal(principal: Principal): boolean {
  return principal.kind === 'local';
}

export function hasRole(principal: Principal, namespace: string, role: Role): boolean {
  return principal.grants.some((grant) => covers(grant, namespace) && reaches(grant.role, role));
}

/** A grant of `*` is of every namespace; one of a namespace is not of `*`. */
function covers(grant: Grant, namespace: string): boolean {
  return grant.namespace === '*' || grant.namespace === namespace;
}

function reaches(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed);
}
