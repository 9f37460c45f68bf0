const SHAPE = `version: 1, features: [ok.pick('n_1h')], request: { fare: decimal(2) }`;

function compute(options: string): string {
  return `service('s', { ${SHAPE}, functions: (chain) => chain.compute('f', { version: 1, ${options} }) })`;
}

/** Misuses of on-demand functions; see misuse.test.ts. */
export const FUNCTION_MISUSES: readonly (readonly [snippet: string, sentence: string])[] = [
  [
    compute(`inputs: ['fair'], outputs: { x: float64() }, run: () => ({ x: 1 })`),
    'the service has no fair before this function: no request field, no feature, no output of an earlier function',
  ],
  [
    compute(`inputs: ['fare'], outputs: { n_1h: float64() }, run: () => ({ n_1h: 1 })`),
    'the output n_1h has the name of something else in the service',
  ],
  [
    compute(`inputs: ['fare'], outputs: { x: float64() }, run: () => ({ x: 'a' })`),
    "Type 'string' is not assignable to type 'number'",
  ],
  [
    compute(`inputs: ['fare'], outputs: { x: float64() }, run: () => ({ x: null })`),
    "Type 'null' is not assignable to type 'number'",
  ],
  [
    compute(`inputs: ['fare'], outputs: { x: float64(), y: float64() }, run: () => ({ x: 1 })`),
    "Property 'y' is missing",
  ],
  [
    compute(`inputs: ['fare'], outputs: { x: vector(3) }, run: () => ({ x: [1, 2, 3] })`),
    'vector(3)',
  ],
  [
    compute(
      `inputs: ['fare'], outputs: { x: string() }, run: ({ fare }) => ({ x: fare.toUpperCase() })`,
    ),
    "Property 'toUpperCase' does not exist on type 'number'",
  ],
  [
    compute(
      `inputs: ['fare'], outputs: { x: string() }, run: (_, { network }) => ({ x: network.request('https://a').body })`,
    ),
    'the function declares no network; add network: { hosts: […] }',
  ],
  [
    compute(`inputs: ['fare'], outputs: { x: float64() }, run: async () => ({ x: 1 })`),
    "Property 'x' is missing in type 'Promise",
  ],
  [
    compute(`inputs: ['fare'], outputs: { x: float64() }, run: () => ({ x: 1 }), timeout: 'soon'`),
    'Type \'"soon"\' is not assignable',
  ],
];
