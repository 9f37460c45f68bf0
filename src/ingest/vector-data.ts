import bindings from '@duckdb/node-bindings';

/** DuckDB's memory goes with its chunk, so what is kept is copied. */
export function copyData(vector: bindings.Vector, byteCount: number): ArrayBuffer {
  return new Uint8Array(bindings.vector_get_data(vector, byteCount)).buffer;
}
