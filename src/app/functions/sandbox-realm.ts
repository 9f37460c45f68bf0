/**
 * Run once in the realm of the functions, before any of them: takes away what would make them
 * anything but functions of their inputs (clocks, chance, locale, memory outside of the heap), and
 * freezes the rest, so that no call leaves anything to the next one.
 */
export const LOCKDOWN = `(() => {
  'use strict';
  const refuse = (what, instead) => function () {
    throw new TypeError(what + ' is not for on-demand functions: ' + instead);
  };
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, freeze } = Object;
  const hide = (holder, name, value) =>
    defineProperty(holder, name, { value, writable: false, configurable: true, enumerable: false });

  for (const name of [
    'ArrayBuffer', 'SharedArrayBuffer', 'Atomics', 'DataView', 'WebAssembly', 'console', 'WeakRef',
    'FinalizationRegistry', 'Intl', 'Float16Array', 'Float32Array', 'Float64Array', 'Int8Array',
    'Int16Array', 'Int32Array', 'Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Uint32Array',
    'BigInt64Array', 'BigUint64Array', 'Promise', 'AsyncDisposableStack', 'Temporal',
  ]) delete globalThis[name];

  hide(Math, 'random', refuse('Math.random', 'a value has to be the same when it is computed again'));
  const NOW = 'name asOfMs among the inputs';
  const LOCAL = 'it depends on where it runs; use its UTC form';
  const RealDate = Date;
  function UtcDate(ms) {
    if (new.target === undefined || arguments.length !== 1 || typeof ms !== 'number') {
      throw new TypeError('Date takes epoch milliseconds here: for the time of the answer, ' + NOW);
    }
    return new RealDate(ms);
  }
  UtcDate.prototype = RealDate.prototype;
  UtcDate.UTC = RealDate.UTC;
  UtcDate.now = refuse('Date.now', NOW);
  UtcDate.parse = refuse('Date.parse', 'texts are no times; ask for a timestamp');
  hide(RealDate.prototype, 'constructor', UtcDate);
  for (const name of Object.getOwnPropertyNames(RealDate.prototype)) {
    const isLocal = /^[gs]et(?!UTC|Time$)/.test(name) || /^to(?!ISOString$|JSON$|UTCString$)/.test(name);
    if (isLocal) hide(RealDate.prototype, name, refuse('Date.' + name, LOCAL));
  }
  hide(globalThis, 'Date', UtcDate);

  for (const holder of [Object, Array, Number, String, BigInt]) {
    for (const name of Object.getOwnPropertyNames(holder.prototype)) {
      if (/locale/i.test(name)) hide(holder.prototype, name, refuse(name, 'it depends on where it runs'));
    }
  }
  // What they tell of the last match would be told from one call to another.
  for (const name of Object.getOwnPropertyNames(RegExp)) {
    if (typeof getOwnPropertyDescriptor(RegExp, name).get === 'function') delete RegExp[name];
  }
  for (const name of ['captureStackTrace', 'prepareStackTrace']) delete Error[name];
  Error.stackTraceLimit = 0;

  // A frozen property that is inherited could not be given to an object of its own by '='.
  const settable = (holder) => {
    for (const name of Reflect.ownKeys(holder)) {
      const { value, writable, configurable, enumerable } = getOwnPropertyDescriptor(holder, name);
      if (!writable || !configurable) continue;
      defineProperty(holder, name, {
        configurable, enumerable,
        get() { return value; },
        set(given) {
          if (this === holder) throw new TypeError('It is shared by all calls, and cannot change.');
          defineProperty(this, name, { value: given, writable: true, enumerable: true, configurable: true });
        },
      });
    }
  };
  const errors = [Error, AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
  for (const one of errors) settable(one.prototype);
  settable(Object.prototype);

  const seen = new Set();
  const reach = (one) => {
    if ((typeof one !== 'object' && typeof one !== 'function') || one === null || seen.has(one)) return;
    seen.add(one);
    reach(getPrototypeOf(one));
    for (const key of Reflect.ownKeys(one)) {
      const { value, get, set } = getOwnPropertyDescriptor(one, key);
      reach(value);
      reach(get);
      reach(set);
    }
  };
  for (const one of [
    globalThis, function* () {}, async () => {}, async function* () {}, [][Symbol.iterator](),
    ''[Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](),
    ''.matchAll(/./g), (function* () {})(), (async function* () {})(),
  ]) reach(one);
  // The promises of async code run nowhere here, and cannot be waited for.
  for (const one of seen) freeze(one);
})()`;

/** What the process is told of a function, once. */
export interface SandboxFunction {
  readonly key: string;
  readonly source: string;
  readonly uses: readonly {
    readonly name: string;
    readonly kind: 'code' | 'data';
    readonly text: string;
  }[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly hasNetwork: boolean;
}

/**
 * The text of a function with what it uses by name, in a scope that has no other names. It answers
 * the function, and what it uses.
 */
export function functionText({ source, uses }: SandboxFunction): string {
  const used = uses.map(({ name, kind, text }) =>
    kind === 'code'
      ? `const ${name} = (${text}\n);`
      : `const ${name} = JSON.parse(${JSON.stringify(text)});`,
  );
  const names = uses.map(({ name }) => name).join(', ');
  return `(() => {
  'use strict';
  ${used.join('\n  ')}
  return [(${source}\n), [${names}]];
})()`;
}

/**
 * The text of a function's caller: of values from `at` on it makes the input, and puts the outputs
 * into `results`. Lists are copied, so that nothing of the realm outside is ever handed over. It
 * answers why the call failed, or undefined.
 */
export function callerText({ inputs, outputs }: SandboxFunction): string {
  const given = inputs.map((name, i) => `${JSON.stringify(name)}: copy(values[at + ${i}])`);
  const taken = outputs.map((name, i) => {
    const quoted = JSON.stringify(name);
    return `{
      const value = result[${quoted}];
      const type = typeof value;
      if (type === 'undefined') return ${JSON.stringify(`it gave nothing for '${name}'`)};
      if (value !== null && (type === 'object' || type === 'function' || type === 'symbol')) {
        return ${JSON.stringify(`it gave no single value for '${name}'`)};
      }
      results[to + ${i}] = value;
    }`;
  });
  return `((made, outside) => {
  'use strict';
  const [run, used] = made;
  const deepFreeze = (one) => {
    if (typeof one === 'object' && one !== null) Object.values(one).forEach(deepFreeze);
    if (typeof one === 'function' && one.prototype !== undefined) Object.freeze(one.prototype);
    return Object.freeze(one);
  };
  const copy = (one) => {
    if (typeof one !== 'object' || one === null) return one;
    if (typeof one.length !== 'number') return { value: copy(one.value), count: one.count };
    const list = [];
    for (let i = 0; i < one.length; i++) list[i] = copy(one[i]);
    return list;
  };
  const told = (error) => {
    try {
      if (error instanceof Error) return (error.name + ': ' + error.message).slice(0, 300);
      return ('it threw ' + (typeof error === 'object' ? 'an object' : String(error))).slice(0, 300);
    } catch {
      return 'it threw something that cannot be told';
    }
  };
  const tools = outside === undefined ? undefined : Object.freeze({
    network: Object.freeze({
      request(url, options = {}) {
        const { method = 'GET', headers = {}, body } = options;
        const asked = { url: String(url), method: String(method), headers: Object.entries(headers) };
        const answer = JSON.parse(outside(JSON.stringify(
          body === undefined ? asked : { ...asked, body: String(body) },
        )));
        if (answer.failed !== undefined) throw new Error(answer.failed);
        return { status: answer.status, body: answer.body };
      },
    }),
  });
  deepFreeze(used);
  deepFreeze(run);
  return (values, at, results, to) => {
    try {
      const result = run({ ${given.join(', ')} }, tools);
      if (typeof result !== 'object' || result === null) return 'it returned no object of outputs';
      ${taken.join('\n      ')}
    } catch (error) {
      return told(error);
    }
    return undefined;
  };
})`;
}
