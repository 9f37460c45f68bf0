import { Cuts } from '../aggregate/cuts.ts';
import { createKernels } from '../aggregate/kernels.ts';
import { TileSlots } from '../aggregate/tile-slots.ts';
import { exprText } from '../expr/text.ts';
import type { AggregateFeaturePlan, LanePlan, ProjectPlan, TileGroupPlan } from './plan.ts';
import { windowText } from './window-plan.ts';

/** How one tile group is stored, and what shares it. */
export interface GroupExplanation {
  readonly id: string;
  readonly source: string;
  readonly entity: string;
  readonly keyColumns: readonly string[];
  /** For people; null where the view has no filter. */
  readonly filter: string | null;
  readonly accumulators: readonly AccumulatorExplanation[];
  readonly windows: readonly WindowExplanation[];
  /** Width of the finest tiles, or null where one tile holds all time. */
  readonly tileMs: number | null;
  /** Bytes of one tile, its start included; texts come on top. */
  readonly bytesPerTile: number;
  /** Tiles of a key with events at all times; null where it is one for each distinct event time. */
  readonly tilesPerKeyMax: number | null;
  readonly bytesPerKeyMax: number | null;
}

export interface AccumulatorExplanation {
  /** `sum(delay) where late`, for people. */
  readonly text: string;
  /** `view@version.feature` of all that are finished from it. */
  readonly features: readonly string[];
}

export interface WindowExplanation {
  readonly text: string;
  readonly features: readonly string[];
}

const BYTES_PER_WORD = 8;
/** Past so many, a count says no more than that there are as many tiles as events. */
const TILES_COUNTED_MAX = 200_000;
/** Any moment late enough that no window reaches behind the epoch. */
const SAMPLE_TIME_MS = 7_258_241_523_457;

/** Which features share which tiles, how wide those are, and what a key costs at most. */
export function explainPlan(plan: ProjectPlan): GroupExplanation[] {
  return plan.groups.map((group) => explainGroup(group, featuresOf(plan, group)));
}

type TitledFeature = readonly [title: string, feature: AggregateFeaturePlan];

function featuresOf(plan: ProjectPlan, group: TileGroupPlan): TitledFeature[] {
  return plan.views.flatMap((view) =>
    view.features.flatMap((feature): TitledFeature[] =>
      feature.kind === 'aggregate' && feature.group === group.id
        ? [[`${view.name}@${view.version}.${feature.name}`, feature]]
        : [],
    ),
  );
}

function explainGroup(group: TileGroupPlan, features: readonly TitledFeature[]): GroupExplanation {
  const cuts = new Cuts(group.windows);
  const kernels = createKernels(group, new TileSlots());
  const words = kernels.reduce((sum, kernel) => sum + kernel.words, 1);
  const bytesPerTile = words * BYTES_PER_WORD;
  const tilesPerKeyMax = countTiles(cuts);
  const titles = (uses: (feature: AggregateFeaturePlan) => boolean) =>
    features.filter(([, feature]) => uses(feature)).map(([title]) => title);
  return {
    id: group.id,
    source: group.source,
    entity: group.entity,
    keyColumns: group.keyColumns,
    filter: group.filter === null ? null : exprText(group.filter),
    accumulators: group.accumulators.map(({ fn, lane }, index) => ({
      text: accumulatorText(fn, group.lanes[lane]),
      features: titles(({ parts }) => Object.values(parts).includes(index)),
    })),
    windows: group.windows.map((window, index) => ({
      text: windowText(window),
      features: titles((feature) => feature.window === index),
    })),
    tileMs: cuts.tileMs === Number.MAX_SAFE_INTEGER ? null : cuts.tileMs,
    bytesPerTile,
    tilesPerKeyMax,
    bytesPerKeyMax: tilesPerKeyMax === null ? null : tilesPerKeyMax * bytesPerTile,
  };
}

function accumulatorText(fn: string, lane: LanePlan | undefined): string {
  const measure = lane?.measure ? exprText(lane.measure) : '';
  const scale = lane?.quantizeScale ?? null;
  const rounded = scale === null ? '' : `, ${scale} decimals`;
  const filter = lane?.filter ? ` where ${exprText(lane.filter)}` : '';
  return `${fn}(${measure}${rounded})${filter}`;
}

/** Walks from the oldest event that a window can reach to the newest, cut by cut. */
function countTiles(cuts: Cuts): number | null {
  cuts.advanceTo(SAMPLE_TIME_MS);
  let tiles = 0;
  for (let startMs = cuts.reachMs; startMs <= SAMPLE_TIME_MS; startMs = cuts.nextCut(startMs)) {
    tiles += 1;
    if (tiles > TILES_COUNTED_MAX) return null;
  }
  return tiles;
}
