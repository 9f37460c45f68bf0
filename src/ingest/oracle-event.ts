/** A value as the oracle holds it: integers, units and times as bigint, whatever their size. */
export type OracleValue = bigint | number | string | boolean | readonly number[] | null;

export interface OracleEvent {
  readonly partition: number;
  readonly offset: number;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  readonly id: string | null;
  readonly values: Readonly<Record<string, OracleValue>>;
  /** Position of the event that the row takes back; null or absent for an event. */
  readonly retracts?: { readonly partition: number; readonly offset: number } | null;
  /** Of a change stream: that of the change that made the row. */
  readonly sequence?: bigint | null;
}
