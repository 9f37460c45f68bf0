import { stopwatchMs } from '../base/clock.ts';
import type { RowStore, StoreHead, StoreLease } from '../store/row-store.ts';

/** Rows whose names no head has any more: they go once nobody asks for them. */
export class RetiredRows {
  readonly #rows: RowStore;
  readonly #graceMs: number;
  /** By name, since when. */
  readonly #names = new Map<string, number>();

  constructor(rows: RowStore, graceMs: number) {
    this.#rows = rows;
    this.#graceMs = graceMs;
  }

  get size(): number {
    return this.#names.size;
  }

  clear(): void {
    this.#names.clear();
  }

  retire(before: StoreHead | null, after: StoreHead): void {
    const named = new Set(after.groups);
    for (const name of before?.groups ?? []) {
      if (!named.has(name)) this.#names.set(name, stopwatchMs());
    }
  }

  /** What a publisher that died had begun is named by no head. */
  async sweep(head: StoreHead): Promise<void> {
    const named = new Set(head.groups);
    const { groups } = await this.#rows.usage();
    for (const { group } of groups) {
      if (!named.has(group) && !this.#names.has(group)) this.#names.set(group, stopwatchMs());
    }
  }

  async drop(lease: StoreLease): Promise<void> {
    const dueMs = stopwatchMs() - this.#graceMs;
    const due = [...this.#names].filter(([, sinceMs]) => sinceMs <= dueMs).map(([name]) => name);
    if (due.length === 0) return;
    await this.#rows.dropGroups(lease, due);
    for (const name of due) this.#names.delete(name);
  }
}
