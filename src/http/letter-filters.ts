import { Type } from 'typebox';
import { ERRORS } from '../base/errors.ts';
import type { LetterFilter } from '../ingest/letter-filter.ts';

/** How a request says which dead letters it means. */
export interface LetterQuery {
  readonly code?: string;
  readonly day?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly id?: string;
  readonly open?: boolean;
}

const time = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, description: `${description}, epoch ms.` }));

export const letterQuery = {
  code: Type.Optional(
    Type.String({ enum: Object.keys(ERRORS), description: 'Only letters of this reason.' }),
  ),
  day: Type.Optional(
    Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$', description: 'Only of this day, UTC.' }),
  ),
  fromMs: time('Only of this arrival or later'),
  toMs: time('Only of an earlier arrival'),
  id: Type.Optional(Type.String({ maxLength: 100, description: 'Only the letter of this id.' })),
  open: Type.Optional(Type.Boolean({ description: 'Only those that were not re-admitted.' })),
};

export function letterFilter(query: LetterQuery): LetterFilter {
  const { code, day, fromMs, toMs, id, open } = query;
  return {
    ...(code === undefined ? {} : { code }),
    ...(day === undefined ? {} : { day }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(id === undefined ? {} : { id }),
    ...(open === true ? { open } : {}),
  };
}
