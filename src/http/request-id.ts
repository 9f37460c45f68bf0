/** The header that names a request, of callers and in answers. */
export const REQUEST_ID = 'x-request-id';

const FORM = /^[\w.:-]{1,64}$/;

/** The name that a caller gave its request; undefined where there is none, or none that may be logged. */
export function givenRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && FORM.test(header) ? header : undefined;
}
