import { BIGINT, BOOLEAN, DuckDBScalarFunction, INTEGER, VARCHAR } from '@duckdb/node-api';
import { sqlName } from './archive-relation.ts';
import { type FenceBook, type FenceRule, fenceHash, isFenced } from './fence.ts';

const NAME = 'asof_fenced';

/** Tells inside DuckDB, with the same code as the door, whether a key at a time is kept out. */
export function fenceFunction(
  { salt }: FenceBook,
  rules: readonly FenceRule[],
): DuckDBScalarFunction {
  const compiled = rules.map(({ keys }) => ({ keys: new Map(Object.entries(keys)) }));
  return DuckDBScalarFunction.create({
    name: NAME,
    parameterTypes: [INTEGER, VARCHAR, BIGINT],
    returnType: BOOLEAN,
    mainFunction: (_info, input, output) => {
      const [at, keys, times] = [0, 1, 2].map((column) => input.getColumnVector(column));
      for (let row = 0; row < input.rowCount; row++) {
        const rule = compiled[Number(at?.getItem(row))];
        const parts: unknown = JSON.parse(String(keys?.getItem(row)));
        const eventMs = Number(times?.getItem(row) ?? Number.NaN);
        output.setItem(
          row,
          rule !== undefined && isKey(parts) && isFenced(rule, fenceHash(salt, parts), eventMs),
        );
      }
      output.flush();
    },
  });
}

function isKey(parts: unknown): parts is string[] {
  return Array.isArray(parts) && parts.every((part) => typeof part === 'string' && part !== '');
}

/** SQL of whether a row is kept out by the rule of this number. */
export function fencedSql(number: number, { columns }: FenceRule, eventTime: string): string {
  const parts = columns.map((name) => `${sqlName(name)}::VARCHAR`);
  return `${NAME}(${number}, to_json([${parts.join(', ')}])::VARCHAR, ${sqlName(eventTime)}::BIGINT)`;
}
