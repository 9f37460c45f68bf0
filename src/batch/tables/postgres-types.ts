import { DECIMAL_TEXT } from './typed-value-sql.ts';
import type { CellForm } from './upstream-schema.ts';

/** How the text of a PostgreSQL value becomes a value of DuckDB, by PostgreSQL's own type name. */
const AS_IS = (cell: string): string => cell;
const cast =
  (type: string) =>
  (cell: string): string =>
    `TRY_CAST(${cell} AS ${type})`;

const FORMS: Readonly<
  Record<string, { readonly type: string; readonly sql: (cell: string) => string }>
> = {
  smallint: { type: 'BIGINT', sql: cast('BIGINT') },
  integer: { type: 'BIGINT', sql: cast('BIGINT') },
  bigint: { type: 'BIGINT', sql: cast('BIGINT') },
  real: { type: 'DOUBLE', sql: cast('DOUBLE') },
  'double precision': { type: 'DOUBLE', sql: cast('DOUBLE') },
  boolean: {
    type: 'BOOLEAN',
    sql: (cell) => `CASE ${cell} WHEN 't' THEN true WHEN 'f' THEN false END`,
  },
  text: { type: 'VARCHAR', sql: AS_IS },
  'character varying': { type: 'VARCHAR', sql: AS_IS },
  character: { type: 'VARCHAR', sql: AS_IS },
  name: { type: 'VARCHAR', sql: AS_IS },
  uuid: { type: 'VARCHAR', sql: AS_IS },
  citext: { type: 'VARCHAR', sql: AS_IS },
  json: { type: 'VARCHAR', sql: AS_IS },
  jsonb: { type: 'VARCHAR', sql: AS_IS },
  date: { type: 'DATE', sql: cast('DATE') },
  'timestamp without time zone': { type: 'TIMESTAMP', sql: cast('TIMESTAMP') },
  'timestamp with time zone': { type: 'TIMESTAMP WITH TIME ZONE', sql: cast('TIMESTAMPTZ') },
  'real[]': { type: 'FLOAT[]', sql: (cell) => listSql(cell, 'FLOAT') },
  'double precision[]': { type: 'DOUBLE[]', sql: (cell) => listSql(cell, 'DOUBLE') },
};

function listSql(cell: string, type: string): string {
  return `TRY_CAST(translate(${cell}, '{}', '[]') AS ${type}[])`;
}

/** A form that no column type is read from, for types that are not taken. */
export function postgresForm(shown: string, isEnum: boolean): CellForm {
  const base = shown.replace(/\(.*\)/, '');
  if (base === 'numeric') {
    return { kind: 'cast', type: DECIMAL_TEXT, sql: AS_IS, shown };
  }
  const known = isEnum ? FORMS.text : FORMS[base];
  return { kind: 'cast', type: known?.type ?? shown, sql: known?.sql ?? AS_IS, shown };
}
