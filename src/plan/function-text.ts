import { formatDuration } from '../base/duration.ts';
import { typeText } from '../schema/types.ts';
import { canonicalJson, hashOf } from './canonical.ts';
import type { FunctionPlan } from './function-form.ts';

/** What a function means as `asof plan` shows it, by label: of its text the start of its hash. */
export function functionFields(one: FunctionPlan): Map<string, string> {
  const { name, version, inputs, outputs, source, uses, network, cacheTtlMs } = one;
  const label = (part: string): string => `function ${name} ${part}`;
  const fields = new Map([
    [label('version'), String(version)],
    [label('inputs'), inputs.map((input) => `${input.name} ${typeOf(input)}`).join(', ')],
    [label('outputs'), outputs.map(outputText).join(', ')],
    [label('text'), shortHash(source)],
  ]);
  for (const used of uses) fields.set(label(`uses ${used.name}`), shortHash(used));
  if (network === null) return fields;
  const kept = cacheTtlMs === null ? '' : `, answers kept for ${formatDuration(cacheTtlMs)}`;
  return fields.set(label('network'), `${network.hosts.join(', ')}${kept}`);
}

/** How a function is bounded, likewise. */
export function functionBounds(one: FunctionPlan): Map<string, string> {
  const { name, timeoutMs, memoryMiB, cacheTtlMs, network } = one;
  const fields = new Map([
    [`bounds of the function ${name}`, `${formatDuration(timeoutMs)} and ${memoryMiB} MB a call`],
  ]);
  if (network !== null) {
    return fields.set(`network timeout of the function ${name}`, formatDuration(network.timeoutMs));
  }
  if (cacheTtlMs === null) return fields;
  return fields.set(`cache of the function ${name}`, formatDuration(cacheTtlMs));
}

function outputText({ name, type, nullable, default: other }: FunctionPlan['outputs'][number]) {
  const fallback = other === null ? '' : ` default ${canonicalJson(other)}`;
  return `${name} ${typeOf({ type, nullable: nullable && other === null })}${fallback}`;
}

function typeOf({ type, nullable }: Pick<FunctionPlan['inputs'][number], 'type' | 'nullable'>) {
  return `${typeText(type)}${nullable ? ' or null' : ''}`;
}

function shortHash(value: unknown): string {
  return hashOf(value).slice(0, 12);
}
