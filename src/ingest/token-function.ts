import { DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api';
import type { Tokenizer } from '../base/tokenizer.ts';
import { sqlString } from './archive-relation.ts';

const NAME = 'asof_token';

/**
 * Makes tokens inside DuckDB with the same code as everywhere: the key never is in a statement, so
 * no error and no plan can show it.
 */
export function tokenFunction(tokenizer: Tokenizer): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: NAME,
    parameterTypes: [VARCHAR, VARCHAR],
    returnType: VARCHAR,
    mainFunction: (_info, input, output) => {
      const domains = input.getColumnVector(0);
      const ids = input.getColumnVector(1);
      for (let row = 0; row < input.rowCount; row++) {
        const id = ids.getItem(row);
        output.setItem(
          row,
          id === null ? null : tokenizer.tokenOf(String(domains.getItem(row)), String(id)),
        );
      }
      output.flush();
    },
  });
}

/** SQL of the token of an id; null stays null, and what is a token stays one. */
export function tokenSql(domain: string, sql: string): string {
  return `${NAME}(${sqlString(domain)}, ${sql})`;
}
