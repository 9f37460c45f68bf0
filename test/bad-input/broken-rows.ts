import { payment } from './world.ts';

const DAY_MS = 86_400_000;

export interface BrokenRow {
  readonly name: string;
  readonly row: () => string;
  readonly code: string;
  readonly column: string | null;
  readonly says: RegExp;
  readonly remedy: RegExp;
}

const withText = (field: string, json: string): string =>
  payment({ [field]: '@' }).replace('"@"', json);

/** One broken row each; good ones stand around it. */
export const BROKEN_ROWS: readonly BrokenRow[] = [
  {
    name: 'malformed JSON',
    row: () => '{"payment": "broken", "card',
    code: 'malformed_json',
    column: null,
    says: /JSON/,
    remedy: /one JSON object a line/,
  },
  {
    name: 'a number instead of an object',
    row: () => '17',
    code: 'not_an_object',
    column: null,
    says: /17|object/,
    remedy: /object of columns/,
  },
  {
    name: 'an unknown column',
    row: () => payment({ amout: 5 }),
    code: 'unknown_column',
    column: 'amout',
    says: /amout/,
    remedy: /Remove or declare|amount/,
  },
  {
    name: 'a missing column',
    row: () => payment({ shop: undefined }),
    code: 'missing_column',
    column: 'shop',
    says: /shop/,
    remedy: /optional/,
  },
  {
    name: 'a null in a required column',
    row: () => payment({ card: null }),
    code: 'missing_column',
    column: 'card',
    says: /card/,
    remedy: /optional/,
  },
  {
    name: 'a text for an int64',
    row: () => payment({ account: 'seven' }),
    code: 'wrong_type',
    column: 'account',
    says: /"seven" is no int64/,
    remedy: /declared type/,
  },
  {
    name: 'a fraction for an int64',
    row: () => payment({ points: 1.5 }),
    code: 'wrong_type',
    column: 'points',
    says: /1\.5 is no int64/,
    remedy: /declared type/,
  },
  {
    name: 'an int64 beyond its range',
    row: () => withText('points', '9223372036854775808'),
    code: 'wrong_type',
    column: 'points',
    says: /9223372036854775808/,
    remedy: /./,
  },
  {
    name: 'too many decimal places',
    row: () => payment({ amount: '1.234' }),
    code: 'wrong_type',
    column: 'amount',
    says: /"1\.234" is no decimal\(2\)/,
    remedy: /at most 2 decimal places/,
  },
  {
    name: 'NaN as text',
    row: () => payment({ weight: 'NaN' }),
    code: 'wrong_type',
    column: 'weight',
    says: /"NaN" is no float64/,
    remedy: /declared type/,
  },
  {
    name: 'a bare NaN',
    row: () => withText('weight', 'NaN'),
    code: 'malformed_json',
    column: null,
    says: /NaN|token/,
    remedy: /JSON/,
  },
  {
    name: 'a number that overflows to Infinity',
    row: () => withText('weight', '1e999'),
    code: 'wrong_type',
    column: 'weight',
    says: /Infinity|1e999/,
    remedy: /declared type/,
  },
  {
    name: 'a float64 that its scale cannot hold exactly',
    row: () => payment({ weight: 1e12 }),
    code: 'out_of_range',
    column: 'weight',
    says: /1000000000000 with 6 decimal places/,
    remedy: /smaller scale/,
  },
  {
    name: 'a number for a bool',
    row: () => payment({ online: 1 }),
    code: 'wrong_type',
    column: 'online',
    says: /1 is no bool/,
    remedy: /declared type/,
  },
  {
    name: 'a vector of the wrong size',
    row: () => payment({ embedding: [1, 2, 3] }),
    code: 'wrong_type',
    column: 'embedding',
    says: /3 elements is no vector\(2\)/,
    remedy: /^Send 2 numbers\.$/,
  },
  {
    name: 'half of a surrogate pair',
    row: () => withText('card', '"\\ud83d"'),
    code: 'wrong_type',
    column: 'card',
    says: /surrogate/,
    remedy: /well-formed/,
  },
  {
    name: 'an event time in seconds',
    row: () => payment({ at: Math.floor(Date.now() / 1000) }),
    code: 'too_late',
    column: 'at',
    says: /before its arrival/,
    remedy: /looks like seconds; send milliseconds/,
  },
  {
    name: 'an event time in microseconds',
    row: () => payment({ at: Date.now() * 1000 }),
    code: 'from_the_future',
    column: 'at',
    says: /ahead of its arrival/,
    remedy: /looks like microseconds/,
  },
  {
    name: 'an event time in the future',
    row: () => payment({ at: Date.now() + 3 * DAY_MS }),
    code: 'from_the_future',
    column: 'at',
    says: /ahead of its arrival; 60000 are allowed/,
    remedy: /clocks and units/,
  },
  {
    name: 'a negative event time',
    row: () => payment({ at: -1 }),
    code: 'invalid_time',
    column: 'at',
    says: /-1/,
    remedy: /./,
  },
  {
    name: 'an event time without a zone',
    row: () => payment({ at: '2026-01-01T00:00:00' }),
    code: 'invalid_time',
    column: 'at',
    says: /2026-01-01T00:00:00/,
    remedy: /with a zone/,
  },
  {
    name: 'an event that is far too late',
    row: () => payment({ at: Date.now() - 30 * DAY_MS }),
    code: 'too_late',
    column: 'at',
    says: /86400000 are allowed/,
    remedy: /allowedLateness/,
  },
  {
    name: 'a duplicate id',
    row: () => payment({ payment: 'first' }),
    code: 'duplicate',
    column: 'payment',
    says: /'first'/,
    remedy: /Nothing to do/,
  },
];
