import bindings from '@duckdb/node-bindings';
import type { ListColumn } from '../schema/list-column.ts';
import type { ValueType } from '../schema/types.ts';
import { copyData } from './chunk-memory.ts';
import { columnReader, readValid } from './column-reader.ts';

/** Bytes of DuckDB's `list_entry_t`: two int64, a start and a length. */
const ENTRY_BYTES = 16;
const TWO_32 = 4294967296;

/** Reads vectors of lists out of DuckDB, each whole, into memory of our own. */
export function listReader(of: ValueType): (vector: bindings.Vector, count: number) => ListColumn {
  const readValues = columnReader(of);
  return (vector, count) => {
    const valid = readValid(vector, count);
    const words = new Uint32Array(copyData(vector, count * ENTRY_BYTES));
    const starts = new Float64Array(count);
    const counts = new Float64Array(count);
    for (let i = 0; i < count; i += 1) {
      // What stands where a list is null means nothing.
      if (valid !== null && valid[i] === 0) continue;
      starts[i] = (words[4 * i] as number) + (words[4 * i + 1] as number) * TWO_32;
      counts[i] = (words[4 * i + 2] as number) + (words[4 * i + 3] as number) * TWO_32;
    }
    const size = Number(bindings.list_vector_get_size(vector));
    return { starts, counts, values: readValues(bindings.list_vector_get_child(vector), size) };
  };
}
