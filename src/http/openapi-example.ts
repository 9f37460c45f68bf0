/** What of a JSON schema decides an example. */
export interface ExampleSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly anyOf?: readonly ExampleSchema[];
  readonly oneOf?: readonly ExampleSchema[];
  readonly allOf?: readonly ExampleSchema[];
  readonly properties?: Readonly<Record<string, ExampleSchema>>;
  readonly patternProperties?: Readonly<Record<string, ExampleSchema>>;
  readonly additionalProperties?: boolean | ExampleSchema;
  readonly items?: ExampleSchema | readonly ExampleSchema[];
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly minLength?: number;
}

/** What a field of a name usually holds, so that examples tell one story: flights and airports. */
const TEXTS: Readonly<Record<string, string>> = {
  ...{ service: 'airport_now', source: 'flights', view: 'airport_delays', model: 'late_flight@3' },
  ...{ name: 'airport_now', owner: 'ops', description: 'Delays of an airport.', type: 'int64' },
  ...{ from: 'airport_delays@1.departures_1h', feature: 'departures_1h', column: 'delay' },
  ...{ state: 'ready', code: 'unknown_service', path: 'service', reason: 'superseded' },
  ...{ message: "There is no service 'airport_nw'. Did you mean 'airport_now'?" },
  ...{
    remedy: 'Check the spelling.',
    successor: 'airport_now@2',
    key: 'ATL',
    kind: 'service',
    digest: '3f2a9c0d',
  },
};

const TIME_MS = 1_767_225_600_000;

const NUMBERS: Readonly<Record<string, number>> = {
  ...{ commit: 1042, version: 1, rows: 2, received: 3, accepted: 3, rejected: 0, count: 3 },
  ...{ stalenessMs: 120, objectiveMs: 5_000, ageMs: 120 },
};

/** A value that the schema takes. */
export function exampleOf(schema: ExampleSchema, name = ''): unknown {
  const given = schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.default;
  if (given !== undefined) return given;
  if (schema.enum !== undefined) return enumerated(schema.enum, name);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    const [choice = {}] = choices.filter(({ type }) => type !== 'null');
    return exampleOf(choice, name);
  }
  if (schema.allOf !== undefined) {
    return Object.assign({}, ...schema.allOf.map((part) => exampleOf(part, name)));
  }
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object':
      return objectExample(schema);
    case 'array':
      return arrayExample(schema.items, singular(name));
    case 'string':
      return textExample(schema, name);
    case 'integer':
    case 'number':
      return numberExample(schema, name);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return {};
  }
}

function enumerated(values: readonly unknown[], name: string): unknown {
  const usual = TEXTS[name];
  return values.includes(usual) ? usual : values[0];
}

function arrayExample(items: ExampleSchema['items'], name: string): unknown[] {
  if (items === undefined) return [];
  return [items].flat().map((one) => exampleOf(one, name));
}

function objectExample({ properties, patternProperties, additionalProperties }: ExampleSchema) {
  const fields = Object.entries(properties ?? {}).map(([name, one]) => [
    name,
    exampleOf(one, name),
  ]);
  const [every] = Object.values(patternProperties ?? {});
  const values = every ?? (typeof additionalProperties === 'object' ? additionalProperties : null);
  if (fields.length === 0 && values !== null) fields.push(['airport', exampleOf(values, 'key')]);
  return Object.fromEntries(fields);
}

function textExample({ pattern, minLength = 0 }: ExampleSchema, name: string): string {
  const candidates = [TEXTS[name] ?? name, 'airport_now', 'airport_now@1', '1', '2026-01-01'];
  const isFit = (text: string): boolean =>
    text.length >= minLength && (pattern === undefined || new RegExp(pattern).test(text));
  return candidates.find(isFit) ?? 'x'.repeat(Math.max(1, minLength));
}

function numberExample({ minimum, maximum }: ExampleSchema, name: string): number {
  const usual = NUMBERS[name] ?? (/(Ms|At)$/.test(name) ? TIME_MS : 1);
  return Math.min(Math.max(usual, minimum ?? usual), maximum ?? usual);
}

function singular(name: string): string {
  return name.endsWith('s') ? name.slice(0, -1) : name;
}
