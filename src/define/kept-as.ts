import type { KeptFloat } from '../schema/kept-float.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, FeatureTag } from './type-tag.ts';

/** In which format a feature may be kept: only float64 ones are rounded. */
export type KeptAs<T extends FeatureTag> = T extends 'float64'
  ? KeptFloat
  : TypeProblem<`only a float64 is kept in fewer bits, but this one is ${A<T>}`>;
