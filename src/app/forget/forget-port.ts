import type { ForgetPort } from '../../http/forget-port.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import type { Forgetting } from './forgetting.ts';
import { placesOf } from './places.ts';
import { jobOf } from './request.ts';

/** Forgetting as the routes see it. */
export function forgetPort(config: Config, forgetting: Forgetting): ForgetPort {
  return {
    begin: async (request, viewer) => {
      const plans = await withRegistry(config, (registry) =>
        registry.plansSince(Number.NEGATIVE_INFINITY),
      );
      const job = jobOf(request, plans, viewer.principal.id);
      const entities = new Set(job.subjects.map(({ entity }) => entity));
      const places = [...placesOf(plans), ...job.declared];
      const touched = places.flatMap((one) => (entities.has(one.entity) ? [one.source] : []));
      // All whose events are rewritten, wherever they stand.
      viewer.require('privacy.forget', [...entities, ...new Set(touched)]);
      const begun = Promise.withResolvers<string>();
      const onStep = (step: string): void => {
        if (step === 'begun') begun.resolve(job.id);
      };
      // How it ends is asked for by its id.
      forgetting.run(job, { onStep }).catch(begun.reject);
      return begun.promise;
    },
    look: async (id) => {
      const record = forgetting.outcome(id);
      return { record, progress: record === null ? forgetting.progress : null };
    },
  };
}
