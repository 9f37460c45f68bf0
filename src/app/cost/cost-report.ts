import type { OnlinePlan } from '../../plan/online-form.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { featureTitle, groupMembers, sparedPart, withInputs } from '../../plan/used-parts.ts';
import type { CostConfig } from './cost-config.ts';
import type { DayOfReads } from './read-totals.ts';
import { readersOf } from './readers.ts';

/** Bytes by place. */
export interface PlacedBytes {
  readonly memory: number;
  readonly disk: number;
  /** In the online store that other processes read; 0 without one. */
  readonly store: number;
  /** Tile files of backfills. */
  readonly offline: number;
}

export interface CostFacts {
  readonly plan: ProjectPlan;
  /** By tile group. */
  readonly bytes: ReadonlyMap<string, PlacedBytes>;
  readonly reads: readonly DayOfReads[];
  /** Since when reads are counted, or days of them kept; null before anything was read. */
  readonly countedSince: string | null;
  readonly days: number;
  readonly prices: CostConfig;
  /** Why it is not known what lies in the online store; null: it is, or there is none. */
  readonly storeProblem: string | null;
}

export interface CostLine extends PlacedBytes {
  /** Rows of answers that it was in. */
  readonly reads: number;
  /** null: on no day of the report. */
  readonly lastRead: string | null;
  /** Of a month of 30 days; null where no price is told. */
  readonly perMonth: number | null;
  readonly perThousandReads: number | null;
}

export interface FeatureCost extends CostLine {
  readonly view: string;
  readonly version: number;
  readonly feature: string;
  readonly owner: string | null;
  /** Services, models, datasets and dashboards that name it. */
  readonly usedBy: readonly string[];
  /** Not read, and nothing that was read is computed from it. */
  readonly unread: boolean;
}

export interface ViewCost extends CostLine {
  readonly view: string;
  readonly version: number;
  /** Which keys the online store holds, if not all. */
  readonly online: OnlinePlan | null;
  readonly owner: string | null;
  readonly features: number;
  readonly unreadFeatures: number;
}

export interface CostReport {
  readonly days: number;
  readonly countedSince: string | null;
  /** The bytes of the store stand as 0, as it did not tell them. */
  readonly storeProblem: string | null;
  readonly currency: string | null;
  readonly views: readonly ViewCost[];
  readonly features: readonly FeatureCost[];
  /** What goes if all features that are unread go; at least. */
  readonly saved: PlacedBytes & { readonly perMonth: number | null };
}

const NOTHING: PlacedBytes = { memory: 0, disk: 0, store: 0, offline: 0 };
const PLACES = ['memory', 'disk', 'store', 'offline'] as const;
const GIB = 2 ** 30;
const MONTH_DAYS = 30;

/**
 * What each feature and view takes and who reads it, the dearest first. Tiles that several features
 * share are split evenly among them, so that the sum is what there is.
 */
export function costReport(facts: CostFacts): CostReport {
  const { plan, days, prices, countedSince, storeProblem } = facts;
  const readers = readersOf(plan);
  const reads = readsByFeature(facts.reads, readers.features);
  const used = withInputs(plan, new Set(reads.keys()));
  const own = ownBytes(facts);
  const line = (bytes: PlacedBytes, count: number, lastRead: string | null): CostLine => {
    const perMonth = monthly(bytes, prices);
    const ofMonth = (count / days) * MONTH_DAYS;
    const perThousandReads = perMonth === null || count === 0 ? null : (perMonth / ofMonth) * 1_000;
    return { ...bytes, reads: count, lastRead, perMonth, perThousandReads };
  };
  const features = plan.views.flatMap((view) =>
    view.features.map((feature): FeatureCost => {
      const title = featureTitle(view, feature.name);
      const read = reads.get(title);
      return {
        ...{ view: view.name, version: view.version, feature: feature.name },
        owner: feature.meta.owner ?? view.meta.owner,
        usedBy: readers.names.get(title) ?? [],
        unread: !used.has(title),
        ...line(own.get(title) ?? NOTHING, read?.rows ?? 0, read?.lastDay ?? null),
      };
    }),
  );
  const views = plan.views.map(({ name, version, meta, online = null }): ViewCost => {
    const all = features.filter((one) => one.view === name && one.version === version);
    const unread = all.filter((one) => one.unread).length;
    const lastRead = all.reduce<string | null>((last, one) => later(last, one.lastRead), null);
    const count = all.reduce((most, one) => Math.max(most, one.reads), 0);
    const lines = { view: name, version, online, owner: meta.owner, features: all.length };
    return { ...lines, unreadFeatures: unread, ...line(sum(all), count, lastRead) };
  });
  const saved = savedBytes(facts, used);
  return {
    ...{ days, countedSince, storeProblem },
    currency: isPriced(prices) ? prices.currency : null,
    views: views.sort(byCost),
    features: features.sort(byCost),
    saved: { ...saved, perMonth: monthly(saved, prices) },
  };
}

interface Read {
  rows: number;
  lastDay: string;
}

function readsByFeature(
  days: readonly DayOfReads[],
  featuresOf: ReadonlyMap<string, readonly string[]>,
): Map<string, Read> {
  const reads = new Map<string, Read>();
  for (const { day, rows } of days) {
    for (const [reader, count] of rows) {
      for (const title of featuresOf.get(reader) ?? soleFeature(reader)) {
        const read = reads.get(title);
        if (read === undefined) reads.set(title, { rows: count, lastDay: day });
        else {
          read.rows += count;
          read.lastDay = day;
        }
      }
    }
  }
  return reads;
}

const SOLE = 'feature:';

function soleFeature(reader: string): string[] {
  return reader.startsWith(SOLE) ? [reader.slice(SOLE.length)] : [];
}

function ownBytes({ plan, bytes }: CostFacts): ReadonlyMap<string, PlacedBytes> {
  const own = new Map<string, PlacedBytes>();
  for (const [id, members] of groupMembers(plan)) {
    const part = scaled(bytes.get(id) ?? NOTHING, 1 / Math.max(1, members.length));
    for (const { title } of members) own.set(title, part);
  }
  return own;
}

function savedBytes({ plan, bytes }: CostFacts, used: ReadonlySet<string>): PlacedBytes {
  const members = groupMembers(plan);
  const parts = plan.groups.map((group) => {
    const kept = (members.get(group.id) ?? []).filter(({ title }) => used.has(title));
    const part = sparedPart(
      group,
      kept.map(({ feature }) => feature),
    );
    return scaled(bytes.get(group.id) ?? NOTHING, part);
  });
  return sum(parts);
}

function scaled(bytes: PlacedBytes, by: number): PlacedBytes {
  const { memory, disk, store, offline } = bytes;
  return { memory: memory * by, disk: disk * by, store: store * by, offline: offline * by };
}

function sum(parts: readonly PlacedBytes[]): PlacedBytes {
  const total = (place: keyof PlacedBytes): number =>
    parts.reduce((all, one) => all + one[place], 0);
  const [memory, disk] = [total('memory'), total('disk')];
  return { memory, disk, store: total('store'), offline: total('offline') };
}

function isPriced({ perGiBMonth }: CostConfig): boolean {
  return PLACES.some((place) => perGiBMonth[place] !== null);
}

function monthly(bytes: PlacedBytes, prices: CostConfig): number | null {
  if (!isPriced(prices)) return null;
  return PLACES.reduce(
    (all, place) => all + (bytes[place] / GIB) * (prices.perGiBMonth[place] ?? 0),
    0,
  );
}

function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return one > other ? one : other;
}

function byCost(a: CostLine & { view: string }, b: CostLine & { view: string }): number {
  const size = (one: CostLine): number => PLACES.reduce((all, place) => all + one[place], 0);
  return (b.perMonth ?? 0) - (a.perMonth ?? 0) || size(b) - size(a) || (a.view < b.view ? -1 : 1);
}
