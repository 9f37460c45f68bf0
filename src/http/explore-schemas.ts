import { Type } from 'typebox';

const text = Type.String();
const textOrNull = Type.Union([Type.String(), Type.Null()]);
const how = Type.Union([Type.Literal('direct'), Type.Literal('indirect')], {
  description: 'Whether values flow, or only which rows count is decided.',
});

const facet = Type.Array(Type.Object({ value: text, count: Type.Integer() }));

export const cataloguePage = Type.Object({
  entries: Type.Array(
    Type.Object({
      ...{ kind: text, id: text, name: text, shortName: text, definition: text, namespace: text },
      version: Type.Union([Type.Integer(), Type.Null()]),
      ...{ owner: textOrNull, description: textOrNull, tags: Type.Array(text), risk: textOrNull },
      ...{ state: textOrNull, type: textOrNull, entity: textOrNull, source: textOrNull },
    }),
  ),
  total: Type.Integer(),
  facets: Type.Object({
    ...{ kind: facet, namespace: facet, tag: facet, owner: facet, state: facet },
    ...{ type: facet, entity: facet, source: facet, risk: facet },
  }),
  next: textOrNull,
});

const node = {
  ...{ id: text, kind: text, title: text, definition: text },
  version: Type.Union([Type.Integer(), Type.Null()]),
  part: textOrNull,
  definitions: Type.Array(text),
  whole: textOrNull,
  type: Type.Unknown(),
};

export const lineageAnswer = Type.Object({
  node: Type.Object(node),
  direction: text,
  starts: Type.Array(Type.Object(node)),
  nodes: Type.Array(Type.Object({ ...node, depth: Type.Integer(), how })),
  edges: Type.Array(Type.Object({ from: text, to: text, how, role: text })),
  definitions: Type.Array(Type.Object({ id: text, how })),
  hidden: Type.Integer({ description: 'Nodes that were met and may not be seen.' }),
  truncated: Type.Boolean(),
});
