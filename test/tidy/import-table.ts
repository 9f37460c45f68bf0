/**
 * The import table of ARCHITECTURE.md as data: a folder of src/ may import itself and the folders
 * named in its row, and nothing else. Rows are in order, so imports only ever go up.
 */
const schemaUp = ['base', 'schema'] as const;
const planUp = ['base', 'schema', 'expr', 'aggregate', 'define', 'plan'] as const;
const enginesUp = ['base', 'schema', 'expr', 'aggregate', 'plan', 'ingest', 'store'] as const;

export const IMPORT_TABLE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  schema: ['base'],
  expr: schemaUp,
  aggregate: schemaUp,
  define: ['base', 'schema', 'expr', 'aggregate'],
  client: ['base', 'schema', 'define'],
  plan: ['base', 'schema', 'expr', 'aggregate', 'define'],
  registry: ['base', 'schema', 'define', 'plan'],
  ingest: schemaUp,
  store: ['base', 'schema', 'aggregate'],
  stream: enginesUp,
  batch: enginesUp,
  engines: ['base', 'schema', 'expr', 'aggregate', 'plan'],
  serve: ['base', 'schema', 'expr', 'aggregate', 'plan', 'registry', 'store'],
  monitor: ['base', 'schema', 'aggregate', 'plan', 'registry', 'store'],
  http: ['base', 'schema', 'serve', 'registry', 'monitor', 'ingest'],
  app: [
    ...planUp,
    'client',
    'registry',
    'ingest',
    'store',
    'stream',
    'batch',
    'serve',
    'monitor',
    'http',
  ],
  cli: ['base', 'define', 'app', 'client'],
  testing: [...planUp, 'registry', 'ingest', 'store', 'stream'],
};

/** Files outside the folders: each package entry point and what it may publish. */
export const ENTRY_POINTS: Readonly<Record<string, readonly string[]>> = {
  'src/index.ts': ['base', 'schema', 'define', 'plan'],
  'src/client/index.ts': ['base', 'schema', 'define', 'client'],
  'src/testing/index.ts': ['testing', ...planUp, 'ingest', 'store', 'stream'],
  'src/cli/main.ts': ['base', 'define', 'app', 'cli'],
};

/** Only these folders may read clocks, randomness, timers and the environment. */
export const HIDDEN_INPUT_FOLDERS: readonly string[] = ['base', 'app', 'cli'];

export const FILE_LINES_MAX = 300;

/** Longer files that exist; each may only shrink, and leaves the list once it is short enough. */
export const LONG_FILES: Readonly<Record<string, number>> = {};
