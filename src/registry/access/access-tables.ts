/** The tables of access control, as queries know them; times are in milliseconds. */
export interface AccessTables {
  readonly access_state: AccessStateTable;
  readonly identities: IdentitiesTable;
  readonly api_keys: ApiKeysTable;
  readonly grants: GrantsTable;
  readonly access_rules: AccessRulesTable;
}

/** One row, of id 1: whether access control is on, and a number that grows with every change. */
interface AccessStateTable {
  id: number;
  enabled: number;
  revision: number;
}

interface IdentitiesTable {
  name: string;
  /** JSON array. */
  labels: string;
  disabled: number;
  created_ms: number;
  created_by: string;
}

interface ApiKeysTable {
  id: string;
  identity: string;
  /** SHA-256 of the secret, hex; the secret itself is nowhere. */
  hash: string;
  created_ms: number;
  created_by: string;
  expires_ms: number | null;
  revoked_ms: number | null;
  last_used_ms: number | null;
}

/** To `identity:<name>`, or `claim:<issuer>#<claim>=<value>`. */
interface GrantsTable {
  grantee: string;
  namespace: string;
  role: string;
  granted_ms: number;
  granted_by: string;
}

interface AccessRulesTable {
  kind: string;
  definition: string;
  part: string;
  label: string;
  added_ms: number;
  added_by: string;
}
