import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import type { StoreStatus } from '../monitor/store-status.ts';
import { errorBody, storeRows, storeStatus } from './schemas.ts';

/** What operators ask of the online store that a server publishes to. */
export interface StorePort {
  /** @throws AsofError `store_missing` */
  status(): StoreStatus;
  /** Begins to write everything anew; resolves once it is begun. @throws AsofError `store_missing` */
  rebuild(): Promise<void>;
  /** @throws AsofError `store_missing`, and as the store */
  clear(): Promise<void>;
  /**
   * Encoded rows in base64, all as of one position, for a reader of a store that lacks some.
   * @throws AsofError `unauthenticated` where the key is not that of the store, `store_unavailable`
   */
  rows(asked: AskedRows, key: string): object;
}

/** Tile groups with keys; and keys that were read from the store, with how often. */
export interface AskedRows {
  readonly rows: readonly { readonly group: string; readonly key: string }[];
  readonly read: readonly (readonly [group: string, key: string, count: number])[];
}

/** Brings the secret that only readers of the same store have. */
export const ROWS_KEY_HEADER = 'x-asof-store-key';

const key = { group: Type.String(), key: Type.String() };
const rowsBody = Type.Object({
  rows: Type.Array(Type.Object(key), { maxItems: LIMITS.coldRowsMax }),
  read: Type.Array(Type.Object({ ...key, count: Type.Integer({ minimum: 1 }) }), {
    maxItems: LIMITS.askedKeys,
  }),
});

/** For readers of the online store, which prove themselves by its key and have no other identity. */
function rowsRoute(app: FastifyInstance, store: StorePort): void {
  app.post<{ Body: Static<typeof rowsBody> }>('/v1/store/rows', {
    // Not by whoever has a token: rows hold what no service shows. The key decides, always.
    config: { access: 'open' },
    schema: {
      summary: 'Rows that the online store does not hold, for its readers alone',
      operationId: 'storeRows',
      body: rowsBody,
      response: { 200: storeRows, 400: errorBody, 401: errorBody, 503: errorBody },
    },
    handler: async ({ headers, body: { rows, read } }) => {
      const given = headers[ROWS_KEY_HEADER];
      const counted = read.map((one) => [one.group, one.key, one.count] as const);
      return store.rows({ rows, read: counted }, typeof given === 'string' ? given : '');
    },
  });
}

export function storeRoutes(app: FastifyInstance, store: StorePort): void {
  rowsRoute(app, store);
  app.get('/v1/store', {
    config: { access: { action: 'store.manage' } },
    schema: {
      summary: 'How far the online store of other processes is kept up',
      operationId: 'getStore',
      response: { 200: storeStatus, 409: errorBody },
    },
    handler: async () => store.status(),
  });

  app.post('/v1/store/rebuild', {
    config: { access: { action: 'store.manage' } },
    schema: {
      summary: 'Write all rows of the online store anew; readers go on with those before meanwhile',
      operationId: 'rebuildStore',
      response: { 202: storeStatus, 409: errorBody },
    },
    handler: async (_request, reply) => {
      await store.rebuild();
      reply.code(202);
      return store.status();
    },
  });

  app.post('/v1/store/clear', {
    config: { access: { action: 'store.manage' } },
    schema: {
      summary: 'Remove all rows of the online store, and publish nothing until it is rebuilt',
      operationId: 'clearStore',
      response: { 200: storeStatus, 409: errorBody, 503: errorBody },
    },
    handler: async () => {
      await store.clear();
      return store.status();
    },
  });
}
