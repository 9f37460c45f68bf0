import { createContextKey } from '@connectrpc/connect';
import { LOCAL_VIEWER, type Viewer } from '../../registry/access/viewer.ts';

/** What is known of a call besides its message. */
export interface Call {
  readonly id: string;
  /** By `stopwatchMs`. */
  readonly receivedMs: number;
  /** Who asks; set before the message is read. */
  viewer: Viewer;
  /** How the call ended, as HTTP says it: gRPC answers 200 whatever happened. */
  status: number;
  /** Rows that were asked for, or pushed. */
  rows: number;
  /** What was received of the message so far. */
  bytes: number;
  /** Its caller has left, or has its answer. */
  isOver: boolean;
}

export const CALL = createContextKey<Call>(
  { id: '', receivedMs: 0, viewer: LOCAL_VIEWER, status: 200, rows: 0, bytes: 0, isOver: false },
  { description: 'asof' },
);
