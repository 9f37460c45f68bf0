import type { Viewer } from '../registry/access/viewer.ts';
import type { LifecycleKind, VersionId } from '../registry/lifecycle.ts';

/** What somebody can do to a version. */
export const LIFECYCLE_ACTIONS = [
  ...(['submit', 'approve', 'reject', 'withdraw'] as const),
  ...(['deprecate', 'reinstate', 'retire'] as const),
] as const;

export interface AskedChange {
  readonly reason?: string;
  readonly digest?: string;
  readonly untilMs?: number;
  readonly successor?: number;
  /** Without access control: who does it. */
  readonly author?: string;
}

/** Where versions are, of what a viewer may know of. */
export interface LifecyclePort {
  list(
    filter: {
      readonly kind?: LifecycleKind;
      readonly name?: string;
      readonly state?: string;
      readonly namespace?: string;
    },
    viewer: Viewer,
  ): Promise<readonly object[]>;
  /** @throws AsofError `unknown_name` */
  show(id: VersionId, viewer: Viewer): Promise<object>;
  waiting(namespace: string | undefined, viewer: Viewer): Promise<readonly object[]>;
  /** @throws AsofError `unknown_name`, `forbidden`, `lifecycle_refused`, `still_used` */
  change(
    id: VersionId,
    event: (typeof LIFECYCLE_ACTIONS)[number],
    asked: AskedChange,
    viewer: Viewer,
  ): Promise<object>;
}
