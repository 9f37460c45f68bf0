import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import { letterQuery } from './letter-filters.ts';

export const deadLettersResponse = Type.Object({
  sources: Type.Array(
    Type.Object({
      source: Type.String(),
      count: Type.Integer(),
      letters: Type.Array(Type.Unknown(), {
        description:
          'Newest first. `origin.place` is where a connector read the row. With `correctable` ' +
          'false it was no row in its format: only its source can correct it.',
      }),
    }),
  ),
});

export const letterCountsResponse = Type.Object({
  source: Type.String(),
  counts: Type.Array(
    Type.Object({
      code: Type.String(),
      count: Type.Integer(),
      readmitted: Type.Integer({ description: 'How many of them were taken later.' }),
    }),
  ),
});

export const READMIT_FILTERS = ['code', 'day', 'fromMs', 'toMs', 'id', 'limit'];

export const readmitRequest = Type.Union([
  Type.Object(
    {
      code: letterQuery.code,
      day: letterQuery.day,
      fromMs: letterQuery.fromMs,
      toMs: letterQuery.toMs,
      id: letterQuery.id,
      limit: Type.Optional(Type.Integer({ minimum: 0, maximum: LIMITS.rowsPerPush })),
    },
    // Additional properties would be dropped, and with a misspelt filter all letters be tried.
    { propertyNames: { enum: READMIT_FILTERS } },
  ),
  Type.Null(),
]);

export const readmitResponse = Type.Object({
  tried: Type.Integer(),
  accepted: Type.Integer(),
  rejected: Type.Integer(),
  commit: Type.Integer({ description: 'Answers at this commit or later contain the events.' }),
  rejections: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Of the letter.' }),
      code: Type.String({ description: 'The reason of today.' }),
      message: Type.String(),
    }),
    { description: `At most ${LIMITS.rejectionsPerAnswer}; they stay dead letters.` },
  ),
});
