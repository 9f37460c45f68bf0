/** The tables of what was applied: each definition once, and when it was part of the plan. */
export interface PlanTables {
  readonly applies: AppliesTable;
  readonly contents: ContentsTable;
  readonly members: MembersTable;
  readonly changes: ChangesTable;
}

interface AppliesTable {
  generation: number;
  applied_ms: number;
  author: string;
  summary: string;
  /** JSON: the namespaces that were applied; null for all of them. */
  namespaces: string | null;
}

/** Definitions by the SHA-256 of their canonical JSON. */
interface ContentsTable {
  digest: string;
  body: string;
}

/** A definition, or a tile group, from one generation until before another. */
interface MembersTable {
  kind: string;
  /** Of a tile group, its id. */
  name: string;
  /** 0 of what has none. */
  version: number;
  namespace: string;
  digest: string;
  from_generation: number;
  /** `OPEN_GENERATION` of what is part of the newest. */
  to_generation: number;
}

/** How often each part of the registry has changed: what followers look at. */
interface ChangesTable {
  kind: string;
  number: number;
}

/** Until when what is part of the newest generation is part of the plan. */
export const OPEN_GENERATION = Number.MAX_SAFE_INTEGER;
