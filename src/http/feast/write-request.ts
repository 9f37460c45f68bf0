import { AsofError, type Issue } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { readVersionedName, type VersionedName } from './feature-refs.ts';
import {
  add,
  type Columns,
  own,
  readColumns,
  refuseAny,
  requiredText,
  requireFields,
} from './online-request.ts';

/** `POST /push`: rows of a source. */
export interface PushRequest {
  readonly source: string;
  readonly df: Columns;
}

/** `POST /write-to-online-store`: rows of a view. */
export interface WriteRequest {
  readonly view: VersionedName;
  readonly df: Columns;
}

const ONLINE = ['online', 'online_and_offline'];

/** @throws AsofError `bad_request`, `not_supported`, `too_many_rows` */
export function readPushRequest(body: unknown): PushRequest {
  const fields = requireFields(body);
  const issues: Issue[] = [];
  const source = requiredText(fields, 'push_source_name', issues);
  const to = own(fields, 'to') ?? 'online';
  if (to !== 'offline' && !ONLINE.includes(String(to))) {
    add(issues, 'to', "'to' must be online, offline or online_and_offline.");
  }
  const df = readColumns(fields, 'df', LIMITS.rowsPerPush, issues);
  refuseAny(issues);
  if (to === 'offline') {
    const message =
      'asof has one log: what is pushed is served and trained on alike, so nothing goes offline alone.';
    const remedy = "Push with to: 'online_and_offline', or bring history in with `asof import`.";
    throw new AsofError('not_supported', message, { path: 'to', remedy });
  }
  return { source, df };
}

/** @throws AsofError `bad_request`, `too_many_rows` */
export function readWriteRequest(body: unknown): WriteRequest {
  const fields = requireFields(body);
  const issues: Issue[] = [];
  const view = requiredText(fields, 'feature_view_name', issues);
  const df = readColumns(fields, 'df', LIMITS.rowsPerPush, issues);
  refuseAny(issues);
  return { view: readVersionedName(view), df };
}
