import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { feastPort } from '../../src/app/feast/feast-port.ts';
import { parseJson } from '../../src/schema/json.ts';
import { createHttpWorld, type HttpWorld, json } from '../serving/http-world.ts';
import { ServingWorld } from '../serving/world.ts';
import { DRIVERS } from './drivers.ts';

export const HUGE = 9007199254740993n;
export const AT = '2001-01-01T00:00:00';

/** asof with the drivers, over HTTP, in memory. */
export async function feastWorld(t: TestContext): Promise<HttpWorld> {
  const world = new ServingWorld(DRIVERS);
  return createHttpWorld(t, { feast: feastPort(() => world.plan) }, world);
}

export interface Online {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly string[];
    readonly event_timestamps: readonly string[];
  }[];
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

export async function send(http: HttpWorld, url: string, payload: string | object): Promise<Reply> {
  const answer = await http.app.inject({ method: 'POST', url, payload, headers: json });
  const text = answer.body;
  return { status: answer.statusCode, text, body: text === '' ? null : parseJson(text) };
}

export async function online(
  http: HttpWorld,
  request: string | object,
): Promise<Online & { text: string }> {
  const { status, text, body } = await send(http, '/get-online-features', request);
  assert.equal(status, 200, text);
  return { ...(body as Online), text };
}

/** What Feast's client raises: the class of the text within the text. */
export function raised({ body }: Reply): {
  module: string;
  class: string;
  message: string;
  error: { code: string };
} {
  assert.equal(typeof body, 'string');
  return JSON.parse(body as string);
}

export const written = (df: object, view = 'driver_stats') => ({ feature_view_name: view, df });
