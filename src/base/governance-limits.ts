/** The bounds of the registry, of identities, of the catalogue and of the audit. */
export const GOVERNANCE_LIMITS = {
  /** Connections of one process to a registry in PostgreSQL. */
  registryConnections: 4,
  /** How long a change of the registry waits for those of other processes, in a file of SQLite. */
  registryBusyMs: 5_000,
  /** How long a connection to the registry may take to be there. */
  registryConnectMs: 5_000,
  /** How long one statement of the registry may take, waiting for other writers included. */
  registryStatementMs: 30_000,
  /** How often a server looks at a registry that does not tell of its changes. */
  registryPollMs: 1_000,
  /** How often it looks at one that does: a notice may be lost. */
  registrySlowPollMs: 15_000,
  /** How long a server waits at most before it asks again for a registry that is away. */
  registryAwayPollMs: 10_000,
  /** A connection to the registry that nobody used for so long is closed. */
  registryIdleMs: 10_000,
  /** Entries of the audit that are read at a time. */
  auditPageEntries: 2_000,
  /** Characters of one name in the audit; more are cut off. */
  auditTextLength: 512,
  /** Kinds of denied and sensitive reads that wait to be written; more are counted alone. */
  auditGathered: 10_000,
  /** What was gathered is written so often; each kind at most twice a minute. */
  auditFlushMs: 5_000,
  /** Entries that one `audit list` or one answer has at most. */
  auditListed: 10_000,
  /** Characters of a token that says who asks. */
  identityTokenLength: 8_192,
  /** Verified tokens whose owners are remembered until something of them changes. */
  cachedIdentities: 10_000,
  /** Values of one claim that count. */
  tokenValues: 200,
  /** How far the clocks of those who sign tokens may be off. */
  tokenSkewMs: 30_000,
  /** Characters of the published keys of an issuer of tokens. */
  jwksBytes: 256 * 1024,
  jwksTimeoutMs: 5_000,
  /** So long a token waits for keys that are to be looked at again, while those before are good. */
  jwksPatienceMs: 500,
  /** Published keys are asked for again after so long, or for an unknown one, but not sooner than the pause. */
  jwksFreshMs: 10 * 60 * 1000,
  jwksPauseMs: 15_000,
  /** While they cannot be fetched, published keys are good for so long. */
  jwksKeptMs: 24 * 60 * 60 * 1000,
  /** A server looks for changes of access so often. */
  accessPollMs: 400,
  /** When a key was used last is written at most so often. */
  keyUseEveryMs: 60_000,
  /** A new key of an identity leaves those before it good for so long, unless told otherwise. */
  keyOverlapMs: 24 * 60 * 60 * 1000,
  /** Entries of one page of the catalogue. */
  cataloguePage: 200,
  /** Characters of a text that the catalogue is searched for; what comes behind says nothing. */
  catalogueTextChars: 1_024,
  /** Different words of such a text. */
  catalogueWords: 32,
  /** Values that are counted of one field of the catalogue, the most frequent. */
  facetValues: 50,
  /** Nodes of one answer about lineage. */
  lineageNodes: 10_000,
} as const;
