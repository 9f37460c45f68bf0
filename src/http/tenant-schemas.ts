import { Type } from 'typebox';
import { nullable } from './service-schemas.ts';

const rate = nullable(Type.Number({ description: 'Each second; null: without a bound.' }));

export const tenantStatus = Type.Object({
  namespace: Type.String(),
  weight: Type.Number({ description: 'Its share where the server is busy.' }),
  quota: Type.Object({ requests: rate, rows: rate, cpuMs: rate }),
  admitted: Type.Integer(),
  rows: Type.Integer(),
  queued: Type.Integer({ description: 'Of the admitted, those that had to wait.' }),
  waiting: Type.Integer(),
  refused: Type.Object({
    requests: Type.Integer(),
    rows: Type.Integer(),
    cpu: Type.Integer(),
    queue: Type.Integer({ description: 'Too many waited already.' }),
    late: Type.Integer({ description: 'The deadline passed before their turn.' }),
  }),
  cpuMs: Type.Number(),
});
