import { AsofError } from '../../base/errors.ts';
import type { ForgetPort } from '../../http/forget-port.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import type { Forgetting } from './forgetting.ts';
import { type ForgetJob, JobFile } from './job.ts';
import { type Plans, placesOf } from './places.ts';
import { type ForgetRecord, readRecords } from './record.ts';
import { jobOf } from './request.ts';

/** Forgetting as the routes see it. */
export function forgetPort(config: Config, forgetting: Forgetting): ForgetPort {
  const plansOf = (): Promise<Plans> =>
    withRegistry(config, (registry) => registry.plansSince(Number.NEGATIVE_INFINITY));
  return {
    begin: async (request, viewer) => {
      const plans = await plansOf();
      const job = jobOf(request, plans, viewer);
      // All whose events are rewritten, wherever they stand.
      viewer.require('privacy.forget', touchedBy(job, plans));
      const begun = Promise.withResolvers<string>();
      const onStep = (step: string): void => {
        if (step === 'begun') begun.resolve(job.id);
      };
      // How it ends is asked for by its id.
      forgetting.run(job, { onStep }).catch(begun.reject);
      return begun.promise;
    },
    look: async (id, viewer) => {
      const run = runOf(config, id);
      const names = run === null ? [] : touchedBy(run, 'places' in run ? [] : await plansOf());
      // A run of others is as one that never was.
      if (run === null) throw unknownRun();
      viewer.require('privacy.forget', names, unknownRun);
      const record = forgetting.outcome(id);
      return { record, progress: record === null ? forgetting.progress : null };
    },
  };
}

function runOf({ dataDir }: Config, id: string): ForgetJob | ForgetRecord | null {
  const open = JobFile.pending(dataDir).find(({ job }) => job.id === id)?.job;
  return open ?? readRecords(dataDir).find((record) => record.id === id) ?? null;
}

function unknownRun(): AsofError {
  return new AsofError('unknown_name', 'There is no such run.', {
    remedy: 'See `asof forget --list`.',
  });
}

/** The entities of a run, and the sources that hold their keys. */
function touchedBy(run: ForgetJob | ForgetRecord, plans: Plans): string[] {
  const entities = new Set(run.subjects.map(({ entity }) => entity));
  const places = 'places' in run ? run.places : [...placesOf(plans), ...run.declared];
  const sources = places.flatMap((one) => (entities.has(one.entity) ? [one.source] : []));
  return [...new Set([...entities, ...sources])];
}
