import type { Generated } from 'kysely';

export interface ShadowTables {
  readonly shadows: {
    id: Generated<number>;
    service: string;
    /** Null: none any more. */
    version: number | null;
    sample_ppm: number;
    at_ms: number;
    author: string;
  };
}
