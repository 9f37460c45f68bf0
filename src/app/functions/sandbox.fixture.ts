import assert from 'node:assert/strict';
import { after } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { seededRandom } from '../../base/random.ts';
import { processTimers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { CallEnd, FunctionValue } from '../../plan/function-runner.ts';
import { functionDigest } from '../../plan/hash.ts';
import type { Scalar, ValueType } from '../../schema/types.ts';
import { FunctionSandbox } from './function-sandbox.ts';

export const PATIENCE_MS = 60_000;

export function newSandbox(): FunctionSandbox {
  const sandbox = new FunctionSandbox({
    clock: systemClock,
    timers: processTimers,
    random: seededRandom(1),
    logger: silentLogger,
    processes: 1,
  });
  after(() => sandbox.close());
  return sandbox;
}

export function functionOf(source: string, change: Partial<FunctionPlan> = {}): FunctionPlan {
  const plan = {
    ...{ name: 'f', version: 1, source, uses: [], network: null },
    inputs: [{ name: 'x', type: { kind: 'float64', scale: 6 }, nullable: true }],
    outputs: [{ name: 'y', type: { kind: 'float64', scale: 6 }, nullable: true, default: null }],
    ...{ timeoutMs: 20, memoryMiB: 32, cacheTtlMs: null },
    ...change,
  } as const;
  const meta = { owner: null, description: null, tags: [] };
  return { ...plan, digest: functionDigest(plan), meta };
}

export const FLOAT = { kind: 'float64', scale: 6 } as const;
export const INT64 = { kind: 'int64' } as const;
export const TEXT = { kind: 'string' } as const;
export const CENTS = { kind: 'decimal', scale: 2 } as const;

export function giving(type: ValueType): Partial<FunctionPlan> {
  return { outputs: [{ name: 'y', type, nullable: true, default: null }] };
}

const sandbox = newSandbox();

export async function endsOf(
  source: string,
  inputs: readonly FunctionValue[] = [1],
  change: Partial<FunctionPlan> = {},
  own = sandbox,
): Promise<readonly CallEnd[]> {
  return own.run(
    functionOf(source, change),
    inputs.map((x) => [x]),
    PATIENCE_MS,
  );
}

export async function reasonOf(source: string, own = sandbox): Promise<string> {
  const [end] = await endsOf(source, [1], {}, own);
  assert.ok(end !== undefined && end.kind !== 'done', JSON.stringify(end));
  return end.reason;
}

export const done = (...values: Scalar[]): CallEnd => ({ kind: 'done', values });
