/** The stream format of Arrow, for answers to many rows. */
export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';

/** Whether a caller takes that: nobody who takes anything means it. */
export function wantsArrow(accept: string | undefined): boolean {
  return accept?.includes(ARROW_TYPE) === true;
}
