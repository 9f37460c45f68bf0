import type { FastifyInstance } from 'fastify';
import { AsofError } from '../base/errors.ts';
import { BULK_TYPE } from '../ingest/bulk-body.ts';
import { COLUMNS_TYPE } from '../schema/columns-format.ts';
import { parseJson } from '../schema/json.ts';

export const NDJSON_TYPES: readonly string[] = ['application/x-ndjson', 'application/ndjson'];

/** JSON with integers kept exact. @throws AsofError `malformed_json` */
export function parseText(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('malformed_json', `The body is not JSON: ${reason.slice(0, 200)}.`, {
      path: 'body',
      remedy: 'Send one JSON value; for one object a line, send application/x-ndjson.',
      cause,
    });
  }
}

/** JSON bodies as text; the route parses it, losslessly. */
export function readJsonAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    done(null, text);
  });
}

/** Chunks of a run, in their own form alone; what begins or ends a run has none. */
export function readBulkAsBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(BULK_TYPE, { parseAs: 'buffer' }, (_request, bytes, done) => {
    done(null, bytes);
  });
}

/** Events arrive as bytes; which form they have, the content type says. */
export function readEventsAsBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const types = ['application/json', ...NDJSON_TYPES, COLUMNS_TYPE];
  app.addContentTypeParser(types, { parseAs: 'buffer' }, (_request, bytes, done) => {
    done(null, bytes);
  });
}
