import type { Server } from 'node:http';
import type { Logger } from '../base/logger.ts';
import type { BulkReceiver } from '../ingest/bulk-door.ts';
import type { LetterFilter } from '../ingest/letter-filter.ts';
import type { ReadmitResult } from '../ingest/letter-readmission.ts';
import type { PushBody } from '../ingest/push-body.ts';
import type { Metrics } from '../monitor/metrics.ts';
import type { PlatformStatus } from '../monitor/status.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { CatalogueQuery } from '../registry/catalogue.ts';
import type { Admission } from '../serve/admission/admission.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import type { Neighbors } from '../serve/neighbors/neighbors.ts';
import type { Readiness } from '../serve/readiness.ts';
import type { ShadowReport } from '../serve/shadow-reader.ts';
import type { AccessDoor } from './access-door.ts';
import type { AnyListener } from './any-version.ts';
import type { CostPort } from './cost-port.ts';
import type { FeastPort } from './feast/feast-port.ts';
import type { ForgetPort } from './forget-port.ts';
import type { LifecyclePort } from './lifecycle-port.ts';
import type { RequestLogOptions } from './request-log.ts';
import type { StorePort } from './store-routes.ts';

/** What the routes need; each belongs to the folder that does the work. */
export interface HttpDependencies {
  readonly features: FeatureServer;
  readonly ingestor: PushPort;
  readonly deadLetters: DeadLetterPort;
  /** Who asks; absent: everybody may do everything. */
  readonly access?: AccessDoor;
  /** Absent: nothing bounds what a namespace reads. */
  readonly admission?: Admission;
  /** Absent: no route tells what views take. */
  readonly cost?: CostPort;
  /** Absent: no route takes imports or tables. */
  readonly bulk?: BulkReceiver;
  /** Absent: no route tells what is defined and what comes from where. */
  readonly explore?: ExplorePort;
  /** Absent: Feast's protocol is not spoken. */
  readonly feast?: FeastPort;
  /** Absent: no route finds neighbors. */
  readonly neighbors?: Neighbors;
  /** Absent: no route tells of an online store. */
  readonly store?: StorePort;
  /** Absent: no route removes anybody. */
  readonly forget?: ForgetPort;
  /** Absent: no route tells where versions are, or lets them go on. */
  readonly lifecycle?: LifecyclePort;
  /** What versions that are read in the shadow of others said; absent: nothing is. */
  readonly shadows?: () => readonly ShadowReport[];
  /** The clocks of a source, and what each of these allowed latenesses would lose. */
  readonly lateness: (source: string, alsoMs: readonly number[]) => object;
  /** How rows of a source differ from what is declared. */
  readonly drift: (source: string) => object;
  /** Cheap: asked on every request. */
  readonly state: () => PlatformStatus['state'];
  /** Whether requests should come here, and why not; by default they should while it is ready. */
  readonly readiness?: () => Readiness;
  /** Whether requests are answered; by default while it is ready. While it drains they still are. */
  readonly isOpen?: () => boolean;
  readonly status: () => PlatformStatus;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The version of the package, for the OpenAPI document. */
  readonly packageVersion: string;
  /** How requests are logged; absent: they are not. */
  readonly requestLog?: RequestLogOptions;
  /** Makes the server, or several, that the listener answers on; absent: plain HTTP/1.1. */
  readonly server?: (listener: AnyListener) => Server;
  readonly bodyBytes?: number;
  readonly waitingPushBytes?: number;
}

/** What is defined, and what comes from where, of what a viewer may see. */
export interface ExplorePort {
  /** @throws AsofError `bad_request` for a cursor that is none */
  search(query: CatalogueQuery, viewer: Viewer): Promise<object>;
  /** @throws AsofError `unknown_name` */
  lineage(
    node: string,
    query: {
      readonly direction: 'upstream' | 'downstream';
      readonly depth?: number;
      readonly limit?: number;
      readonly directOnly?: boolean;
    },
    viewer: Viewer,
  ): Promise<object>;
}

/** The door for events. */
export interface PushPort {
  /** @param pinned the schema version that all rows are of; null: each of any */
  push(source: string, body: PushBody, pinned: number | null): Promise<PushOutcome>;
  /** Names of the sources, for messages. */
  readonly sources: Iterable<string>;
}

export interface PushOutcome {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  /** The newest commit that holds rows of this push; what to wait for to read one's own write. */
  readonly commit: number;
  /** Rejected rows only. */
  readonly rows: readonly RejectedRow[];
}

export interface RejectedRow {
  /** From 0, within the push. */
  readonly row: number;
  /** The line of an NDJSON body, from 1; null where rows are no lines. */
  readonly line: number | null;
  readonly code: string;
  readonly column: string | null;
  readonly message: string;
  readonly remedy: string;
}

export interface DeadLetterPort {
  count(source: string): number;
  /** By reason, all of them. */
  counts(source: string): Promise<readonly object[]>;
  /** The oldest first. */
  list(source: string, filter: LetterFilter): Iterable<object>;
  /** Judges letters again; @throws AsofError as a push does. */
  readmit(source: string, filter: LetterFilter): Promise<ReadmitResult>;
  /** The newest letters of a source, newest first. */
  newest(source: string, limit: number, filter: LetterFilter): readonly unknown[];
}
