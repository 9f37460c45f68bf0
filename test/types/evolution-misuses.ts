/** Mistakes in the versions of a source, and what the compiler says of them. */
export const EVOLUTION_MISUSES: readonly (readonly [snippet: string, sentence: string])[] = [
  [
    `stream('s', { columns, eventTime: 'departs', evolution: [{ version: 2, rename: { delay: 'fare' } }] })`,
    'delay is still a column; a name that was given up is not used again',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', evolution: [{ version: 2, rename: { price: 'fair' } }] })`,
    'price is renamed to a column that the source does not have: fair',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', evolution: [{ version: 2, widen: { delay: int64() } }] })`,
    'delay is an int64, which an int64 is not widened to',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', evolution: [{ version: 2, widen: { fare: float64() } }] })`,
    'fare is a decimal(2), which a float64 is not widened to',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', evolution: [{ version: 2, widen: { fair: int64() } }] })`,
    'widen names a column that the source does not have: fair',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', evolution: [{ version: 2, add: ['fair'] }] })`,
    `Type '"fair"' is not assignable`,
  ],
  [
    `stream('s', { columns: { at: timestamp().default(0) }, eventTime: 'at' })`,
    'eventTime needs a column that every row brings, but at has a default',
  ],
  [`int64().default('none')`, `Argument of type 'string' is not assignable`],
  [`vector(3).default([1, 2, 3])`, `is not assignable to parameter of type 'never'`],
];
