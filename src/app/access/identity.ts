import type { ProjectPlan } from '../../plan/plan.ts';
import {
  ACCESS_OFF,
  type AccessSnapshot,
  type AskedLabel,
  type RestrictedParts,
} from '../../registry/access/access-snapshot.ts';

export type { AskedLabel };

import { LOCAL_VIEWER, type Viewer } from '../../registry/access/viewer.ts';

/** As whom a command works with its project. */
export interface Identity {
  readonly viewer: Viewer;
  readonly snapshot: AccessSnapshot;
  /** What a server is told; a function, so that no settings that are written down hold it. */
  readonly token: () => string | null;
}

/** Settings, with as whom. */
interface Identified {
  readonly identity?: Identity;
}

/** Nobody in particular, who may do everything: access control is off. */
export const NO_IDENTITY: Identity = Object.freeze({
  viewer: LOCAL_VIEWER,
  snapshot: ACCESS_OFF,
  token: () => null,
});

export function viewerOf({ identity = NO_IDENTITY }: Identified): Viewer {
  return identity.viewer;
}

/** What column rules say of a plan. */
export function restrictedIn(
  { identity = NO_IDENTITY }: Identified,
  plan: ProjectPlan,
): RestrictedParts {
  return identity.snapshot.restricted(plan);
}

/**
 * Refuses what would show restricted columns to somebody without their labels. What is refused or
 * read of them is told to the audit.
 * @throws AsofError `forbidden`
 */
export function requireLabels(config: Identified, needed: readonly AskedLabel[]): void {
  const viewer = viewerOf(config);
  if (viewer === LOCAL_VIEWER || needed.length === 0) return;
  viewer.require('restricted.read', [], undefined, needed);
}

/** What a server is told of who asks. */
export function authorizationOf({ identity = NO_IDENTITY }: Identified): Record<string, string> {
  const token = identity.token();
  return token === null ? {} : { authorization: `Bearer ${token}` };
}
