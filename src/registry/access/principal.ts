/** What somebody may do in a namespace; each role holds what those before it hold. */
export const ROLES = ['reader', 'writer', 'editor', 'approver', 'admin'] as const;

/**
 * `reader` reads features, lineage and the catalogue; `writer` pushes events and imports; `editor`
 * plans and applies definitions, trains and publishes; `approver` approves what others wrote;
 * `admin` manages identities, grants, rules and erasure.
 */
export type Role = (typeof ROLES)[number];

export interface Grant {
  /** A namespace, or `*` for every one, those to come included. */
  readonly namespace: string;
  readonly role: Role;
}

/** Who asks, as every door knows them; how they proved it is over by then. */
export interface Principal {
  /** Stable, and fit for audit and logs: `key:checkout`, `jwt:https://issuer#sub`, `nobody`. */
  readonly id: string;
  readonly kind: 'local' | 'key' | 'jwt' | 'nobody';
  readonly grants: readonly Grant[];
  /** Labels that column rules name: teams, clearances. */
  readonly labels: readonly string[];
}

/** Whoever brought nothing; may do what needs no grant. */
export const NOBODY: Principal = Object.freeze<Principal>({
  id: 'nobody',
  kind: 'nobody',
  grants: [],
  labels: [],
});

/** The one user of a project on which access control was never turned on: may do everything. */
export const LOCAL_USER: Principal = Object.freeze<Principal>({
  id: 'local',
  kind: 'local',
  grants: [{ namespace: '*', role: 'admin' }],
  labels: [],
});
