import type { FastifyInstance } from 'fastify';
import type { StoreStatus } from '../monitor/store-status.ts';
import { errorBody, storeStatus } from './schemas.ts';

/** What operators ask of the online store that a server publishes to. */
export interface StorePort {
  /** @throws AsofError `store_missing` */
  status(): StoreStatus;
  /** Begins to write everything anew; resolves once it is begun. @throws AsofError `store_missing` */
  rebuild(): Promise<void>;
  /** @throws AsofError `store_missing`, and as the store */
  clear(): Promise<void>;
}

export function storeRoutes(app: FastifyInstance, store: StorePort): void {
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
