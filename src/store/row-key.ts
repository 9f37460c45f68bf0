/** Names a row of a tile group. */
export interface RowKey {
  readonly group: string;
  /** The encoded entity key. */
  readonly key: string;
}
