import { Cuts } from '../aggregate/cuts.ts';
import { exprText } from '../expr/text.ts';
import { KEY_BYTES_MAX, KEY_BYTES_TYPICAL, tileRoom } from './key-bytes.ts';
import type { AggregateFeaturePlan, LanePlan, ProjectPlan, TileGroupPlan } from './plan.ts';
import { shownGroups } from './shown-group.ts';
import { tileBytes } from './tile-bytes.ts';
import { windowText } from './window-plan.ts';

/** How one tile group is stored, and what shares it. */
export interface GroupExplanation {
  readonly id: string;
  readonly source: string;
  readonly entity: string;
  readonly keyColumns: readonly string[];
  /** For people; null where the view has no filter. */
  readonly filter: string | null;
  /** Whether events can be taken back, and so more is kept of them. */
  readonly retractable: boolean;
  readonly lanes: readonly LaneExplanation[];
  readonly accumulators: readonly AccumulatorExplanation[];
  readonly windows: readonly WindowExplanation[];
  /** Width of the finest tiles, or null where one tile holds all time, or a session. */
  readonly tileMs: number | null;
  /** Bytes of one tile, its start included, before its lists have entries. */
  readonly bytesPerTile: number;
  /** With all the entries that its lists can have; of texts, what exceeds 16 characters comes on top. */
  readonly bytesPerTileMax: number;
  /**
   * Tiles, or sessions, of a key with events at all times; null where it is one for each distinct
   * event time.
   */
  readonly tilesPerKeyMax: number | null;
  /** With the room that a key has in what is held beside its tiles, and theirs. */
  readonly bytesPerKeyMax: number | null;
  /** Of a key with one tile whose lists are half full, at most 64 entries each. */
  readonly bytesPerKeyTypical: number;
  /** Whether the events of a hot key are spread over several rows. */
  readonly splits: boolean;
}

/** A measure with its filter: what is computed of each event, once for all of its features. */
export interface LaneExplanation {
  readonly text: string;
  readonly features: readonly string[];
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

/** Past so many, a count says no more than that there are as many tiles as events. */
const TILES_COUNTED_MAX = 200_000;
/** Any moment late enough that no window reaches behind the epoch. */
const SAMPLE_TIME_MS = 7_258_241_523_457;

/** Which features share which tiles, how wide those are, and what a key costs at most. */
export function explainPlan(plan: ProjectPlan): GroupExplanation[] {
  const features = featuresByGroup(plan);
  return shownGroups(plan).map((group) => explainGroup(group, features.get(group.id) ?? []));
}

type TitledFeature = readonly [title: string, feature: AggregateFeaturePlan];

function featuresByGroup(plan: ProjectPlan): ReadonlyMap<string, TitledFeature[]> {
  const byGroup = new Map<string, TitledFeature[]>();
  for (const view of plan.views) {
    for (const feature of view.features) {
      if (feature.kind !== 'aggregate') continue;
      const titled: TitledFeature = [`${view.name}@${view.version}.${feature.name}`, feature];
      const others = byGroup.get(feature.group);
      if (others === undefined) byGroup.set(feature.group, [titled]);
      else others.push(titled);
    }
  }
  return byGroup;
}

function explainGroup(group: TileGroupPlan, features: readonly TitledFeature[]): GroupExplanation {
  const { tileMs, tilesPerKeyMax } = tilesOf(group);
  const { empty: bytesPerTile, typical, full: bytesPerTileMax } = tileBytes(group);
  const titles = (uses: (feature: AggregateFeaturePlan) => boolean) =>
    features.filter(([, feature]) => uses(feature)).map(([title]) => title);
  return {
    id: group.id,
    source: group.source,
    entity: group.entity,
    keyColumns: group.keyColumns,
    filter: group.filter === null ? null : exprText(group.filter),
    retractable: group.retractable,
    lanes: group.lanes.map((lane, index) => ({
      text: laneText(lane),
      features: titles(({ parts }) =>
        Object.values(parts).some((part) => group.accumulators[part]?.lane === index),
      ),
    })),
    accumulators: group.accumulators.map(({ fn, lane, size }, index) => ({
      text: accumulatorText(fn, group.lanes[lane], size),
      features: titles(({ parts }) => Object.values(parts).includes(index)),
    })),
    windows: group.windows.map((window, index) => ({
      text: windowText(window),
      features: titles((feature) => feature.window === index),
    })),
    tileMs,
    bytesPerTile,
    bytesPerTileMax,
    tilesPerKeyMax,
    bytesPerKeyMax:
      tilesPerKeyMax === null ? null : KEY_BYTES_MAX + tileRoom(tilesPerKeyMax) * bytesPerTileMax,
    bytesPerKeyTypical: KEY_BYTES_TYPICAL + typical,
    splits: group.windows.every(({ kind }) => kind !== 'session'),
  };
}

function tilesOf(group: TileGroupPlan): Pick<GroupExplanation, 'tileMs' | 'tilesPerKeyMax'> {
  const [window] = group.windows;
  if (window?.kind === 'session') {
    return { tileMs: null, tilesPerKeyMax: countSessions(group, window.gapMs) };
  }
  const cuts = new Cuts(group.windows);
  const tileMs = cuts.tileMs === Number.MAX_SAFE_INTEGER ? null : cuts.tileMs;
  return { tileMs, tilesPerKeyMax: countTiles(cuts) };
}

function laneText(lane: LanePlan): string {
  const measure = lane.measure === null ? 'rows' : exprText(lane.measure);
  const rows = lane.nullable ? `${measure}, null too` : measure;
  return lane.filter === null ? rows : `${rows} where ${exprText(lane.filter)}`;
}

function accumulatorText(fn: string, lane: LanePlan | undefined, size: number | undefined): string {
  const measure = lane?.measure ? exprText(lane.measure) : '';
  const scale = lane?.quantizeScale ?? null;
  const rounded = scale === null ? '' : `, ${scale} decimals`;
  const filter = lane?.filter ? ` where ${exprText(lane.filter)}` : '';
  const sized = size === undefined ? '' : `, ${fn === 'buckets' ? `${size} bits` : size}`;
  return `${fn}(${measure}${rounded}${sized})${filter}`;
}

/**
 * Sessions that a key can have at a time: those that a late event can still reach, each more than
 * a gap after the one before, and where events can be taken back, those that are kept for it.
 */
function countSessions({ latenessMs, keep, retractable }: TileGroupPlan, gapMs: number): number {
  return retractable ? keep : Math.floor((latenessMs + gapMs) / (gapMs + 1)) + 2;
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
