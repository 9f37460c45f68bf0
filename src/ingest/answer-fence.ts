import { type FenceBook, fenceHash } from './fence.ts';

/** Tells of rows of join keys whether they are of somebody who was forgotten. */
export class AnswerFence {
  readonly #salt: string;
  readonly #rules: readonly { joinKeys: readonly string[]; hashes: ReadonlySet<string> }[];

  constructor({ salt, answers = [] }: FenceBook) {
    this.#salt = salt;
    this.#rules = answers.map(({ joinKeys, hashes }) => ({ joinKeys, hashes: new Set(hashes) }));
  }

  has(key: Readonly<Record<string, unknown>>): boolean {
    return this.#rules.some(({ joinKeys, hashes }) => {
      if (!joinKeys.every((name) => name in key)) return false;
      const parts = joinKeys.map((name) => String(key[name]));
      return hashes.has(fenceHash(this.#salt, parts));
    });
  }
}
