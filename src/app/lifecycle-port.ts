import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { AskedChange, LifecyclePort } from '../http/lifecycle-port.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { Config } from './config.ts';
import { changeLifecycle, listLifecycle, showLifecycle, waitingVersions } from './lifecycle.ts';
import { withRegistry } from './with-registry.ts';

/** Lifecycles as the routes see them; each request is a look into the registry, or one change. */
export function lifecyclePort(config: Config): LifecyclePort {
  return {
    list: ({ state, ...filter }, viewer) =>
      withRegistry(config, (registry) =>
        listLifecycle(registry, viewer, {
          ...filter,
          ...(state === undefined ? {} : { states: [state] }),
        }),
      ),
    show: (id, viewer) => withRegistry(config, (registry) => showLifecycle(registry, viewer, id)),
    waiting: (namespace, viewer) =>
      withRegistry(config, (registry) => waitingVersions(registry, viewer, namespace)),
    change: (id, event, asked, viewer) => {
      const { reason = null, digest = null, untilMs = null, successor = null } = asked;
      const by = { actor: actorOf(viewer, asked), nowMs: systemClock.nowMs() };
      const request =
        event === 'approve'
          ? { ...id, event, reason, digest }
          : { ...id, event, reason, untilMs, successor };
      return withRegistry(config, (registry) => changeLifecycle(registry, viewer, request, by));
    },
  };
}

/** Who proved to be somebody is that; nobody speaks for somebody else. */
function actorOf({ principal }: Viewer, { author }: AskedChange): string {
  if (principal.kind === 'local') return author ?? 'http';
  if (author === undefined) return principal.id;
  throw new AsofError('bad_request', "With access control 'author' is whoever asks.", {
    path: 'author',
    remedy: 'Leave it out.',
  });
}
