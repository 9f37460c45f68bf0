import { Type } from 'typebox';

const count = Type.Integer({ minimum: 0 });
const orNull = (schema: Type.TInteger) => Type.Union([schema, Type.Null()]);
const span = orNull(Type.Integer({ minimum: 0 }));

export const sourceClocks = Type.Object({
  allowedLatenessMs: Type.Integer(),
  maxClockSkewMs: Type.Integer(),
  watermarkMs: orNull(Type.Integer({ description: 'Of the partitions that are not idle.' })),
  partitions: Type.Array(
    Type.Object({
      watermarkMs: orNull(Type.Integer()),
      newestArrivalMs: orNull(Type.Integer()),
      idle: Type.Boolean(),
    }),
  ),
  lateness: Type.Object(
    { events: count, p50Ms: span, p90Ms: span, p99Ms: span, p999Ms: span, maxMs: count },
    { description: 'Arrival less event time, of events that were accepted or too late.' },
  ),
  skew: Type.Object(
    { events: count, ahead: count, p99Ms: span, maxMs: count },
    { description: 'Event time less arrival, of events that lie ahead of it.' },
  ),
});
