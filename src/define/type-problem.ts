declare const problem: unique symbol;

/**
 * A type that no value has: the compiler shows its sentence where a definition is misused.
 *
 * @example
 * sum(flight.origin)
 * // … not assignable to … TypeProblem<"sum needs a number column, but this one is a string">
 */
export interface TypeProblem<Sentence extends string> {
  readonly [problem]: Sentence;
}
