import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { KEY_BYTES, keysBytes } from '../plan/key-bytes.ts';
import type { ProjectPlan, ViewPlan } from '../plan/plan.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { TileGroup } from '../store/tile-group.ts';

/** A warning comes at this part of a budget. */
const WARN_PART = 0.8;
/** Beyond this multiple of what may be held, saving has fallen behind, and pushes have to wait. */
const HARD_MULTIPLE = 2;

/** What the state of a view takes in memory; tiles that it shares with others count as its own. */
export interface StateUsage {
  readonly view: string;
  readonly version: number;
  readonly bytes: number;
  readonly budgetBytes: number | null;
  readonly atLimit: 'spill' | 'stop';
  /** Keys in memory, and on disk only: of the tile group that has the most of them. */
  readonly hotKeys: number;
  readonly coldKeys: number;
  readonly tiles: number;
}

interface Budgeted {
  readonly view: ViewPlan;
  /** By the plan, and those of further origins with them. */
  readonly own: readonly TileGroup[];
  readonly groups: readonly TileGroup[];
  warned: boolean;
}

/**
 * Holds the memory of the state within its budgets: those of views, and one for all together. Rows
 * that lie on disk as they are leave memory, the longest unused first; a view that is to stop at its
 * budget refuses what is pushed to its source, and counts its rows on disk as if they were in memory.
 */
export class StateBudget {
  readonly #store: MemoryTileStore;
  readonly #views: readonly Budgeted[];
  /** The views with a budget that read a group. */
  readonly #readers = new Map<TileGroup, Budgeted[]>();
  /** What a row takes that is on disk only, where that counts; measured while they are in memory. */
  readonly #rowBytes = new Map<TileGroup, number>();
  readonly #totalBytes: number;
  readonly #logger: Logger;
  #warned = false;
  spilled = 0;

  constructor(plan: ProjectPlan, store: MemoryTileStore, totalBytes: number, logger: Logger) {
    this.#store = store;
    this.#totalBytes = totalBytes;
    this.#logger = logger;
    this.#views = plan.views.map((view) => {
      const ids = view.features.flatMap((one) => (one.kind === 'aggregate' ? [one.group] : []));
      const names = [...new Set(ids)];
      const groups = names.flatMap((id) => store.partsOf(id));
      return { view, own: names.map((id) => store.group(id)), groups, warned: false };
    });
    for (const budgeted of this.#views) {
      const { budgetBytes, atLimit } = budgeted.view.state;
      if (budgetBytes === null) continue;
      for (const group of budgeted.groups) {
        this.#readers.set(group, [...(this.#readers.get(group) ?? []), budgeted]);
        if (atLimit !== 'stop' || this.#rowBytes.has(group)) continue;
        const { coldRows } = group;
        if (coldRows === 0) continue;
        const tileBytes = group.sampleSaved(LIMITS.sampledRows);
        this.#rowBytes.set(group, tileBytes + keysBytes(coldRows) / coldRows);
      }
    }
  }

  /** Bytes of all groups in memory. */
  get bytes(): number {
    return stateBytes(this.#store);
  }

  get isOver(): boolean {
    if (this.bytes > this.#totalBytes) return true;
    return this.#views.some(({ groups }) => groups.some((group) => this.#mustSpill(group)));
  }

  /** Takes a bounded number of rows out of memory; to be called when nobody holds a row. */
  enforce(): void {
    let looks: number = LIMITS.spillLooksPerCommit;
    for (const budgeted of this.#views) {
      this.#warn(budgeted);
      for (const group of budgeted.groups) {
        if (!this.#mustSpill(group)) continue;
        looks -= group.spill(looks, () => !this.#mustSpill(group), this.#count);
      }
    }
    this.#warnTotal();
    if (this.bytes <= this.#totalBytes) return;
    // The largest first. Its rows may all have changed or be in use, so that others need a turn.
    const groups = [...this.#store.groups].sort((a, b) => bytesOf(b) - bytesOf(a));
    for (const group of groups) {
      if (looks <= 0 || this.bytes <= this.#totalBytes) return;
      looks -= group.spill(Math.ceil(looks / 2), () => this.bytes <= this.#totalBytes, this.#count);
    }
  }

  /** Whether some view of the source stops at its budget, so that little is to be taken at once. */
  stops(source: string): boolean {
    return this.#views.some(({ view }) => view.source === source && stopsAt(view) !== null);
  }

  /** Why pushes to a source cannot be taken now, or null. What was taken before stays. */
  refusal(source: string): AsofError | null {
    for (const budgeted of this.#views) {
      const { view } = budgeted;
      const budgetBytes = stopsAt(view);
      if (view.source !== source || budgetBytes === null) continue;
      const bytes = this.#counted(budgeted);
      if (bytes < budgetBytes) continue;
      return new AsofError(
        'state_full',
        `The state of the view '${view.name}@${view.version}' takes ${bytes} bytes, those of rows ` +
          `on disk included; its budget is ${budgetBytes}, and it is declared to stop there.`,
        {
          path: `${view.name}.state.budget`,
          remedy: "Raise its state: { budget }, or declare atLimit: 'spill'; then push again.",
        },
      );
    }
    const { bytes } = this;
    if (bytes <= this.#totalBytes * HARD_MULTIPLE) return null;
    const text = `The state takes ${bytes} bytes, and rows cannot be saved as fast as they come.`;
    return new AsofError('state_full', text, {
      remedy: 'Push again later; check the disk, or raise stateMemoryMiB.',
    });
  }

  usage(): StateUsage[] {
    return this.#views.map(({ view, own, groups }) => {
      const { name, version, state } = view;
      const { budgetBytes, atLimit } = state;
      // Further rows of a hot key are no keys, and all groups of a view have the same keys.
      const hotKeys = Math.max(0, ...own.map((group) => group.liveRows));
      const keys = Math.max(0, ...own.map((group) => group.liveRows + group.coldRows));
      const tiles = groups.reduce((sum, group) => sum + group.table.stats().tiles, 0);
      const bytes = sumOf(groups);
      const coldKeys = keys - hotKeys;
      return { view: name, version, bytes, budgetBytes, atLimit, hotKeys, coldKeys, tiles };
    });
  }

  readonly #count = (): void => {
    this.spilled += 1;
  };

  /** Of those who read the group and have a budget, the one with the greatest counts. */
  #mustSpill(group: TileGroup): boolean {
    const readers = this.#readers.get(group) ?? [];
    return (
      readers.some(({ view }) => view.state.atLimit === 'spill') &&
      readers.every(({ view, groups }) => sumOf(groups) > (view.state.budgetBytes ?? 0))
    );
  }

  /** What the budget is compared with. */
  #counted({ view, groups }: Budgeted): number {
    if (stopsAt(view) === null) return sumOf(groups);
    return groups.reduce((sum, group) => sum + bytesOf(group) + this.#coldBytes(group), 0);
  }

  /** A restart leaves all rows on disk, and what they take is not less for it. */
  #coldBytes(group: TileGroup): number {
    const { liveRows, coldRows } = group;
    // Few rows tell little of the others: what there is for many of them is shared by few then.
    if (liveRows > 0 && liveRows >= coldRows) {
      this.#rowBytes.set(group, bytesOf(group) / liveRows);
    }
    return Math.round(coldRows * (this.#rowBytes.get(group) ?? 0));
  }

  /** Once on the way up; again only after the state has shrunk below. */
  #warn(budgeted: Budgeted): void {
    const { view, warned } = budgeted;
    const { budgetBytes, atLimit } = view.state;
    if (budgetBytes === null) return;
    const bytes = this.#counted(budgeted);
    budgeted.warned = bytes >= budgetBytes * WARN_PART;
    if (!budgeted.warned || warned) return;
    const fields = { view: `${view.name}@${view.version}`, bytes, budgetBytes, atLimit };
    this.#logger.warn(fields, 'the state of a view has come to 80 % of its budget');
  }

  #warnTotal(): void {
    const { bytes } = this;
    const warned = this.#warned;
    this.#warned = bytes >= this.#totalBytes * WARN_PART;
    if (!this.#warned || warned) return;
    const fields = { bytes, budgetBytes: this.#totalBytes };
    this.#logger.warn(fields, 'the state has come to 80 % of the memory it may take');
  }
}

/** Bytes of all groups in memory. */
export function stateBytes(store: MemoryTileStore): number {
  let bytes = 0;
  for (const group of store.groups) bytes += bytesOf(group);
  return bytes;
}

/** Bytes of a group's rows in memory, with their keys. */
export function bytesOf(group: TileGroup): number {
  return group.table.stats().bytes + group.rowBytes + group.liveRows * KEY_BYTES;
}

function sumOf(groups: readonly TileGroup[]): number {
  return groups.reduce((sum, group) => sum + bytesOf(group), 0);
}

/** The budget at which a view refuses what is pushed, or null. */
function stopsAt({ state }: ViewPlan): number | null {
  return state.atLimit === 'stop' ? state.budgetBytes : null;
}
