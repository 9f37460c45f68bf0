import type { RestrictedParts } from '../registry/access/access-snapshot.ts';
import type { Viewer } from '../registry/access/viewer.ts';

/** Who asks, and what column rules say of the definitions in use. */
export interface AccessDoor {
  /**
   * Cheap: whoever is known already by this `authorization`, or may do everything as access
   * control is off; undefined where it takes `identify` to tell.
   */
  known(authorization: string | undefined): Viewer | undefined;
  /** @throws AsofError `unauthenticated` */
  identify(authorization: string | undefined): Promise<Viewer>;
  restricted(): RestrictedParts;
  /** Of the definitions in use. */
  models(): readonly {
    readonly name: string;
    readonly version: number;
    readonly service: string;
    readonly serviceVersion: number;
    /** Outputs of the service: an answer to the model holds these alone. */
    readonly reads: readonly { readonly name: string }[];
  }[];
}
