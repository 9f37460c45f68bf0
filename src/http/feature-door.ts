import { stopwatchMs } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { Admission, Admitted } from '../serve/admission/admission.ts';
import type { AnswerSink, FeatureRequest, OpenSink } from '../serve/answer-sink.ts';
import { askedNamespace } from '../serve/asked-namespace.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import type { HttpDependencies } from './dependencies.ts';
import { FeatureGuard } from './feature-guard.ts';

/**
 * The one way to feature values from outside, whatever the protocol: who may read what, and how much
 * of it, is decided here, so that no protocol can forget it. A protocol reads a request from its
 * bytes, and gives a sink that writes the answer.
 */
export class FeatureDoor {
  readonly features: FeatureServer;
  /** Null without access control: everybody may read everything. */
  readonly #guard: FeatureGuard | null;
  /** Null: everybody may read as much as there is, and first come are first served. */
  readonly #admission: Admission | null;
  /** Whose the services, models and views are that were asked for. */
  readonly #tenants = new Map<string, Admitted>();

  constructor({
    access,
    features,
    admission,
  }: Pick<HttpDependencies, 'access' | 'features' | 'admission'>) {
    this.features = features;
    this.#guard = access === undefined ? null : new FeatureGuard(access, features);
    this.#admission = admission ?? null;
  }

  /**
   * At once where nothing has to be waited for.
   * @throws AsofError `forbidden`, `quota_exceeded`, `overloaded`, and as `FeatureServer.read` does; a
   * promise rejects with the same
   */
  answer<T>(asked: FeatureRequest, viewer: Viewer, open: OpenSink<T>): T | Promise<T> {
    const denied = this.#guard?.check(viewer, asked) ?? null;
    const request = denied === null ? asked : { ...asked, denied };
    request.stages?.mark('auth');
    const admission = this.#admission;
    const tenant = admission === null ? null : this.#tenantOf(request, admission);
    // What nobody knows is refused by who answers.
    if (admission === null || tenant === null) return this.features.read(request, open);
    const rows = rowCountOf(request);
    const startMs = stopwatchMs();
    if (!admission.enter(tenant, rows, startMs)) {
      return this.#wait(admission, tenant, request, open);
    }
    try {
      const answer = this.#read(tenant, request, open);
      if (answer instanceof Promise) admission.whileUnderWay(answer);
      return answer;
    } finally {
      const endMs = stopwatchMs();
      admission.done(tenant, rows, endMs - startMs, endMs);
    }
  }

  #wait<T>(
    admission: Admission,
    tenant: Admitted,
    request: FeatureRequest,
    open: OpenSink<T>,
  ): Promise<T> {
    const rows = rowCountOf(request);
    const receivedMs = request.receivedMs ?? stopwatchMs();
    let more: (() => boolean) | null = null;
    return admission.wait(tenant, {
      rows,
      deadlineMs: receivedMs + (request.timeoutMs ?? this.features.timeoutMs(request)),
      prepare:
        rows <= LIMITS.rowsAtOnce
          ? null
          : () => {
              more ??= this.features.readAhead(request, open) ?? NOTHING_MORE;
              return more();
            },
      answer: () => this.#read(tenant, request, open),
    });
  }

  /**
   * Whoever calls this measures how long it takes. What waits for rows or for functions is computed
   * in a later step, which is charged here.
   */
  #read<T>(tenant: Admitted, request: FeatureRequest, open: OpenSink<T>): T | Promise<T> {
    let isLater = false;
    const opened: OpenSink<T> = (head) => {
      const sink = open(head);
      return isLater ? charged(tenant, sink) : sink;
    };
    try {
      return this.features.read(request, opened);
    } finally {
      isLater = true;
    }
  }

  #tenantOf(request: FeatureRequest, admission: Admission): Admitted | null {
    const { service, model, features } = request;
    const name = service ?? model ?? features?.[0]?.view ?? '';
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    const namespace = askedNamespace(this.features.plan, request);
    if (namespace === null) return null;
    const tenant = admission.tenant(namespace);
    if (this.#tenants.size >= LIMITS.askedNames) this.#tenants.clear();
    this.#tenants.set(name, tenant);
    return tenant;
  }
}

const NOTHING_MORE = (): boolean => false;

/** From now until the answer is made: one step, in which its rows are computed. */
function charged<T>(tenant: Admitted, sink: AnswerSink<T>): AnswerSink<T> {
  const startMs = stopwatchMs();
  return {
    row: (row) => sink.row(row),
    end: (contract) => {
      const answer = sink.end(contract);
      tenant.charge(stopwatchMs() - startMs);
      return answer;
    },
  };
}

/** A request that is refused for its many rows reads none, and owes nothing for them. */
function rowCountOf({ rows, rowCount }: FeatureRequest): number {
  const count = typeof rows === 'function' ? (rowCount ?? 1) : rows.length;
  return count > LIMITS.rowsPerRequest ? 1 : count;
}
