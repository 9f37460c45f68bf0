import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { ProjectPlan, ViewPlan } from '../plan/plan.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { TileGroup } from '../store/tile-group.ts';

/** A key of the directory with its share of the maps that hold it, in bytes; measured. */
const KEY_BYTES = 96;
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
  /** Keys in memory, and on disk only. */
  readonly hotRows: number;
  readonly coldRows: number;
  readonly tiles: number;
}

interface Budgeted {
  readonly view: ViewPlan;
  readonly groups: readonly TileGroup[];
  warned: boolean;
}

/**
 * Holds the memory of the state within its budgets: those of views, and one for all together. Rows
 * that lie on disk as they are leave memory, the longest unused first; a view that is to stop at its
 * budget refuses what is pushed to its source.
 */
export class StateBudget {
  readonly #store: MemoryTileStore;
  readonly #views: readonly Budgeted[];
  /** The views that read a group. */
  readonly #readers = new Map<TileGroup, Budgeted[]>();
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
      const groups = [...new Set(ids)].flatMap((id) => store.partsOf(id));
      return { view, groups, warned: false };
    });
    for (const budgeted of this.#views) {
      for (const group of budgeted.groups) {
        this.#readers.set(group, [...(this.#readers.get(group) ?? []), budgeted]);
      }
    }
  }

  /** Bytes of all groups in memory. */
  get bytes(): number {
    let bytes = 0;
    for (const group of this.#store.groups) bytes += bytesOf(group);
    return bytes;
  }

  get isOver(): boolean {
    return this.bytes > this.#totalBytes || this.#views.some((one) => this.#mustSpill(one));
  }

  /** Takes a bounded number of rows out of memory; to be called when nobody holds a row. */
  enforce(): void {
    let looks: number = LIMITS.spillLooksPerCommit;
    for (const budgeted of this.#views) {
      this.#warn(budgeted);
      if (!this.#mustSpill(budgeted)) continue;
      for (const group of budgeted.groups) {
        // Of a group that others read too, the greatest need counts.
        const readers = this.#readers.get(group) ?? [];
        if (!readers.every((reader) => this.#mustSpill(reader))) continue;
        looks -= group.spill(looks, () => !this.#mustSpill(budgeted), this.#count);
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

  /** Why pushes to a source cannot be taken now, or null. What was taken before stays. */
  refusal(source: string): AsofError | null {
    for (const { view, groups } of this.#views) {
      const { budgetBytes, atLimit } = view.state;
      if (view.source !== source || atLimit !== 'stop' || budgetBytes === null) continue;
      const bytes = sumOf(groups);
      if (bytes < budgetBytes) continue;
      return new AsofError(
        'state_full',
        `The state of the view '${view.name}@${view.version}' takes ${bytes} bytes; its budget is ` +
          `${budgetBytes}, and it is declared to stop there.`,
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
    return this.#views.map(({ view, groups }) => {
      const { name, version, state } = view;
      const { budgetBytes, atLimit } = state;
      let hotRows = 0;
      let coldRows = 0;
      let tiles = 0;
      for (const group of groups) {
        hotRows += group.liveRows;
        coldRows += group.coldRows;
        tiles += group.table.stats().tiles;
      }
      const bytes = sumOf(groups);
      return { view: name, version, bytes, budgetBytes, atLimit, hotRows, coldRows, tiles };
    });
  }

  readonly #count = (): void => {
    this.spilled += 1;
  };

  #mustSpill({ view, groups }: Budgeted): boolean {
    const { budgetBytes, atLimit } = view.state;
    return budgetBytes !== null && atLimit === 'spill' && sumOf(groups) > budgetBytes;
  }

  /** Once on the way up; again only after the state has shrunk below. */
  #warn(budgeted: Budgeted): void {
    const { view, groups, warned } = budgeted;
    const { budgetBytes, atLimit } = view.state;
    if (budgetBytes === null) return;
    const bytes = sumOf(groups);
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

function bytesOf(group: TileGroup): number {
  return group.table.stats().bytes + group.rowBytes + group.liveRows * KEY_BYTES;
}

function sumOf(groups: readonly TileGroup[]): number {
  return groups.reduce((sum, group) => sum + bytesOf(group), 0);
}
