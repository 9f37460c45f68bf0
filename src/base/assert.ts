/**
 * States what the program itself guarantees. A failure is our defect, never the user's input:
 * input is answered with an `AsofError`.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Gives the value back, typed as present; absence is a defect of the program. */
export function present<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionFailure(message);
  return value;
}

/** Closes an exhaustive switch: a new case that is not handled does not compile. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable case: ${JSON.stringify(value)}`);
}

export class AssertionFailure extends Error {
  override name = 'AssertionFailure';
}
