import { Type } from 'typebox';
import { errorBody } from '../schemas.ts';

/** The bodies of Feast's routes, for the OpenAPI document. */
const columns = Type.Record(Type.String(), Type.Array(Type.Unknown()), {
  description: 'Values by name, all lists of one length.',
});

export const onlineRequest = Type.Object({
  entities: columns,
  features: Type.Optional(
    Type.Array(Type.String({ examples: ['driver_stats:conv_rate', 'driver_stats@v2:acc_rate'] })),
  ),
  feature_service: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  full_feature_names: Type.Optional(Type.Boolean()),
});

const status = Type.String({
  enum: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE', 'INVALID'],
});

export const onlineResponse = Type.Object({
  metadata: Type.Object({ feature_names: Type.Array(Type.String()) }),
  results: Type.Array(
    Type.Object({
      values: Type.Array(Type.Unknown()),
      statuses: Type.Array(status),
      event_timestamps: Type.Array(Type.String()),
    }),
    { description: 'In the order of the names.' },
  ),
});

export const pushRequest = Type.Object({
  push_source_name: Type.String({ description: 'A stream.' }),
  df: columns,
  to: Type.Optional(Type.String({ enum: ['online', 'online_and_offline'] })),
});

export const writeRequest = Type.Object({
  feature_view_name: Type.String({ description: 'A view: rows go to the stream that it reads.' }),
  df: columns,
});

/** JSON text in a JSON text, of which Feast's clients raise the class. */
const raised = Type.String({
  description: 'JSON of { "module", "class", "message", "error" }; `error` is as of other routes.',
});

/** As FastAPI refuses a body, with our error beside it. */
const invalid = Type.Union([
  Type.Object({
    detail: Type.Array(
      Type.Object({ type: Type.String(), loc: Type.Array(Type.String()), msg: Type.String() }),
    ),
    error: errorBody.properties.error,
  }),
  raised,
]);

const refused = Type.Object({ detail: Type.String(), error: errorBody.properties.error });

export const feastErrors = {
  401: refused,
  403: raised,
  404: raised,
  409: raised,
  413: raised,
  422: invalid,
  429: raised,
  503: Type.Union([raised, errorBody]),
};
