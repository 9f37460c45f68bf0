import { present } from '../../base/assert.ts';
import type { StorePort } from '../../http/store-routes.ts';
import type { PublisherKeeper } from './publisher-keeper.ts';

/** The online store as the routes see it; there is one. */
export function storePort(publisher: PublisherKeeper): StorePort {
  return {
    status: () => present(publisher.status(), 'an online store'),
    rebuild: () => publisher.rebuild(),
    clear: () => publisher.clear(),
    rows: ({ rows, read }, key) => {
      const answer = publisher.rowsOf({ rows, read }, key);
      return {
        ...answer,
        rows: answer.rows.map((row) => row && Buffer.from(row.body).toString('base64')),
      };
    },
  };
}
