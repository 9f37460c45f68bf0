/**
 * What went wrong inside expressions and became null: counted and shown, never a wrapped or
 * infinite number (semantics §2). Only what was reached counts: the branch of an `if_else` that
 * was not taken, or the right side of a decided `and`, is not.
 */
export interface Faults {
  overflow: number;
  divisionByZero: number;
}

export function newFaults(): Faults {
  return { overflow: 0, divisionByZero: 0 };
}
