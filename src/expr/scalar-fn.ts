import type { Scalar, Single } from '../schema/types.ts';

/** A compiled expression over one row: values in the order of the names it was compiled for. */
export type ScalarFn = (values: readonly Single[]) => Scalar;
