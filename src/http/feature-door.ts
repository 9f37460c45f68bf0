import type { Viewer } from '../registry/access/viewer.ts';
import type { FeatureRequest, OpenSink } from '../serve/answer-sink.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import type { HttpDependencies } from './dependencies.ts';
import { FeatureGuard } from './feature-guard.ts';

/**
 * The one way to feature values from outside, whatever the protocol: who may read what is decided
 * here, so that no protocol can forget it. A protocol reads a request from its bytes, and gives a
 * sink that writes the answer.
 */
export class FeatureDoor {
  readonly features: FeatureServer;
  /** Null without access control: everybody may read everything. */
  readonly #guard: FeatureGuard | null;

  constructor({ access, features }: Pick<HttpDependencies, 'access' | 'features'>) {
    this.features = features;
    this.#guard = access === undefined ? null : new FeatureGuard(access, features);
  }

  /**
   * At once where nothing has to be waited for.
   * @throws AsofError `forbidden`, and as `FeatureServer.read` does; a promise rejects with the same
   */
  answer<T>(request: FeatureRequest, viewer: Viewer, open: OpenSink<T>): T | Promise<T> {
    this.#guard?.check(viewer, request);
    return this.features.read(request, open);
  }
}
