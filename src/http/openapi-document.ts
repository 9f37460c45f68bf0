import { ERRORS, type ErrorCode } from '../base/errors.ts';
import { type ExampleSchema, exampleOf } from './openapi-example.ts';
import { EXAMPLES } from './openapi-stories.ts';
import { errorBody } from './schemas.ts';

interface Media {
  schema?: ExampleSchema;
  example?: unknown;
}

interface Response {
  description?: string;
  content?: Record<string, Media>;
}

interface Operation {
  readonly operationId?: string;
  requestBody?: { content?: Record<string, Media> };
  responses?: Record<string, Response>;
}

interface OpenApi {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const JSON_FORM = 'application/json';

/** What every route may answer, whatever it does: too much at once, not ready, not in time. */
const EVERYWHERE = [429, 503, 504];

/**
 * The document with an example of every request and answer, and with the errors of every route by
 * their codes.
 */
export function completed<T extends object>(document: T): T {
  const { paths = {} } = document as OpenApi;
  for (const methods of Object.values(paths)) {
    for (const operation of Object.values(methods)) complete(operation);
  }
  return document;
}

function complete(operation: Operation): void {
  const story = EXAMPLES[operation.operationId ?? ''];
  for (const media of Object.values(operation.requestBody?.content ?? {})) {
    setExample(media, story?.request);
  }
  const responses = operation.responses ?? {};
  for (const status of EVERYWHERE) responses[status] ??= {};
  operation.responses = responses;
  for (const [code, response] of Object.entries(responses)) {
    const status = Number(code);
    if (status >= 400 && isError(response)) completeError(response, status);
    else {
      if (status >= 400 && operation.operationId !== READINESS) tellCodes(response, status);
      for (const media of Object.values(response.content ?? {})) {
        setExample(media, status === 200 ? story?.response : undefined);
      }
    }
  }
}

/** Only JSON has examples with a story; another form has what its schema says. */
function setExample(media: Media, story: unknown): void {
  if (media.schema === undefined) return;
  media.example = story ?? exampleOf(media.schema);
}

/** Some answers that did not go well have a body of their own, as pushes do. */
function isError({ content }: Response): boolean {
  const { schema } = content?.[JSON_FORM] ?? {};
  return schema === undefined || schema.properties?.error !== undefined;
}

function codesOf(status: number): ErrorCode[] {
  return (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].status === status);
}

/** What a route says of its own errors stands before their codes. */
function tellCodes(response: Response, status: number): void {
  const { description = UNSAID } = response;
  const own = description === UNSAID ? '' : `${description} `;
  response.description = `${own}One of the codes: ${codesOf(status).join(', ')}.`;
}

/** Its 503 is no error, but the answer. */
const READINESS = 'getReadiness';

/** What the framework says of answers that nothing is said of. */
const UNSAID = 'Default Response';

function completeError(response: Response, status: number): void {
  const codes = codesOf(status);
  response.description = `One of the codes: ${codes.join(', ')}.`;
  const [code = 'bad_request'] = codes;
  const { meaning: message, remedy, retryable } = ERRORS[code];
  const example = { error: { code, message, path: null, remedy, retryable } };
  response.content = { [JSON_FORM]: { schema: errorBody as ExampleSchema, example } };
}
