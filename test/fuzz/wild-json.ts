import fc from 'fast-check';

/** Part of a JSON Schema, as the OpenAPI document has it. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

/** Names that mean something, so that requests get further than to be unknown. */
export const NAMES = [
  'payments',
  'shopping',
  'banking',
  'at_shop',
  'of_account',
  'card',
  'shop',
  'account',
  'payment',
  'at_shop:payments_ever',
  'of_account@v1:account_payments',
  '__proto__',
  'constructor',
] as const;

/** JSON text that no schema asked for. */
export const wildText = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '1e999',
    '-0',
    '9223372036854775808',
    '-9223372036854775809',
    `1${'0'.repeat(400)}`,
    `0.${'1'.repeat(400)}`,
    '123456789012345678901234567890.5',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '{"__proto__":{"service":"shopping"}}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"rows":[],"rows":{},"service":"shopping","service":5}',
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
    `${'{"a":'.repeat(3_000)}12345678901234567${'}'.repeat(3_000)}`,
    `[${'1,'.repeat(20_000)}1]`,
    `"${'x'.repeat(100_000)}"`,
    '',
    'nul',
    '{',
  ),
);

/** JSON text of a value that fits the schema, or nearly. */
export function textOfSchema(schema: Schema | undefined, depth = 0): fc.Arbitrary<string> {
  if (schema === undefined || depth > 6) return wildText;
  const fitting = fittingText(schema, depth);
  return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: wildText });
}

function fittingText(schema: Schema, depth: number): fc.Arbitrary<string> {
  const { anyOf, examples } = schema;
  const known = 'const' in schema ? [schema.const] : schema.enum;
  if (known !== undefined) return fc.constantFrom(...known.map((one) => JSON.stringify(one)));
  if (examples !== undefined && examples.length > 0) {
    const given = fc.constantFrom(...examples.map((one) => JSON.stringify(one)));
    return fc.oneof(given, ofType(schema, depth));
  }
  if (anyOf !== undefined) return fc.oneof(...anyOf.map((one) => textOfSchema(one, depth + 1)));
  return ofType(schema, depth);
}

function ofType(schema: Schema, depth: number): fc.Arbitrary<string> {
  switch (schema.type) {
    case 'object':
      return objectText(schema, depth);
    case 'array':
      return fc
        .array(textOfSchema(schema.items, depth + 1), { maxLength: 4 })
        .map((items) => `[${items.join(',')}]`);
    case 'string':
      return fc.oneof(fc.constantFrom(...NAMES), fc.string()).map((text) => JSON.stringify(text));
    case 'integer':
      return fc.oneof(fc.integer({ min: 0, max: 9 }), fc.maxSafeInteger()).map(String);
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => JSON.stringify(one));
    case 'boolean':
      return fc.boolean().map(String);
    case 'null':
      return fc.constant('null');
    default:
      return wildText;
  }
}

function objectText(schema: Schema, depth: number): fc.Arbitrary<string> {
  const { properties = {}, patternProperties = {}, required = [] } = schema;
  const fields = Object.entries(properties).map(([name, property]) => {
    const text = textOfSchema(property, depth + 1).map((one) => `${JSON.stringify(name)}:${one}`);
    // What is required is left out as well, now and then.
    return fc.option(text, { freq: required.includes(name) ? 20 : 2 });
  });
  const [any] = Object.values(patternProperties);
  const isOpen = any !== undefined || schema.additionalProperties !== false;
  const more = fc
    .tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string()), textOfSchema(any, depth + 1))
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  const others = fc.array(more, { maxLength: any === undefined ? 1 : 3 });
  return fc
    .tuple(fc.tuple(...fields), isOpen ? others : fc.constant([]))
    .map(([known, open]) => `{${[...known.filter((one) => one !== null), ...open].join(',')}}`);
}
