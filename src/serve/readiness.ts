import type { ServicePlan } from '../plan/plan.ts';
import { servingOf } from '../plan/serving-plan.ts';

/** Whether requests should be sent to a process, and why not, or not without reserve. */
export interface Readiness {
  readonly ready: boolean;
  /** It answers, but not everything from what is current. */
  readonly degraded: boolean;
  /** Whole sentences, without names, as anybody may ask; empty where all is well. */
  readonly reasons: readonly string[];
}

/** What a process that reads an online store knows of it. */
export interface StoreFacts {
  /** Whether the store ever told what it speaks for. */
  readonly hasHead: boolean;
  /** Whether it can be read now. */
  readonly isRead: boolean;
  /** Tile groups of the definitions whose rows are not published. */
  readonly missingGroups: number;
  readonly services: readonly ServicePlan[];
}

/** A process whose store is away is ready if every service says what is answered then. */
export function storeReadiness(facts: StoreFacts): Readiness {
  const { hasHead, isRead, missingGroups, services } = facts;
  const reasons: string[] = [];
  if (!isRead) reasons.push('The online store cannot be read.');
  if (isRead && !hasHead) reasons.push('Nothing is published to the online store yet.');
  if (hasHead && missingGroups > 0) {
    reasons.push(`Rows of ${missingGroups} tile groups are not published yet.`);
  }
  if (reasons.length === 0) return { ready: true, degraded: false, reasons };
  const mute = services.filter((service) => !answersWithoutStore(service));
  if (mute.length > 0) {
    reasons.push(`${mute.length} services do not say what is answered without the store.`);
  }
  // What was never read says nothing of the definitions: nobody should be sent here.
  const ready = hasHead && missingGroups === 0 && mute.length === 0;
  return { ready, degraded: ready, reasons };
}

/**
 * A service that declares nothing of failures has not said that defaults will do; and where a
 * feature is required, defaults fail every row.
 */
function answersWithoutStore(service: ServicePlan): boolean {
  if (service.serving === undefined) return false;
  const { onFailure, required } = servingOf(service);
  return onFailure.kind === 'last_known' || required.length === 0;
}
