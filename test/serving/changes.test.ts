import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { type CardValues, OrderBook } from '../bad-input/changes-world.ts';

interface Order {
  readonly id: number;
  readonly card: string;
  readonly cents: number;
  readonly shop: string;
  readonly atMs: number;
}

const CARDS = ['a', 'b', 'c'];
const START_MS = Date.now() - 3_600_000;

/** A table of orders, and the log of its changes as a database would send it. */
class OrderTable {
  readonly rows = new Map<number, Order>();
  #lsn = 0;
  #nextId = 1;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next change, of some order or a new one. */
  change(): string {
    const random = this.#random;
    this.#lsn += 1;
    const ids = [...this.rows.keys()];
    const before = ids.length === 0 ? null : (this.rows.get(random.pick(ids)) ?? null);
    if (before === null || random.below(3) === 0) return this.#line('c', null, this.#order(null));
    if (random.below(3) > 0) return this.#line('u', before, this.#order(before));
    this.rows.delete(before.id);
    return this.#line('d', before, null);
  }

  #order(before: Order | null): Order {
    const random = this.#random;
    const id = before?.id ?? this.#nextId++;
    const order = {
      id,
      // An update can move an order to another card, and to another time.
      card: random.pick(CARDS),
      cents: random.below(10_000),
      shop: `shop-${random.below(5)}`,
      // No two events have the same time, or their places in the log would have to be known.
      atMs: START_MS + this.#lsn * 10,
    };
    this.rows.set(id, order);
    return order;
  }

  #line(op: string, before: Order | null, after: Order | null): string {
    const wire = (order: Order | null) => {
      if (order === null) return null;
      const { id, card, cents, shop, atMs } = order;
      return { id, card, amount: (cents / 100).toFixed(2), shop, at: atMs };
    };
    return JSON.stringify({ op, lsn: this.#lsn, before: wire(before), after: wire(after) });
  }

  /** What a history has of a card in which nothing but today's rows ever was. */
  valuesOf(card: string): CardValues {
    const own = [...this.rows.values()].filter((order) => order.card === card);
    const newest = own.toSorted((a, b) => a.atMs - b.atMs).at(-1);
    const cents = own.reduce((sum, order) => sum + order.cents, 0);
    return {
      orders: own.length,
      spent: cents / 100,
      highest: own.length === 0 ? null : Math.max(...own.map((order) => order.cents)) / 100,
      newest_shop: newest?.shop ?? null,
    };
  }
}

test('a table of changing orders is served as if only its rows of now had ever been', async (t) => {
  const seed = 7;
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const table = new OrderTable(random);
  const book = await OrderBook.open(t);
  const sent: string[] = [];
  for (let round = 0; round < 8; round++) {
    const lines = Array.from({ length: 1 + random.below(30) }, () => table.change());
    // The sender goes back a little each time, as one does that has lost its place.
    const again = sent.slice(-random.below(20) - 1);
    const answer = await book.push([...again, ...lines]);
    sent.push(...lines);
    assert.equal(answer.accepted, lines.length, JSON.stringify(answer));
    const codes = new Set(answer.rejections?.map(({ code }) => code));
    assert.deepEqual([...codes], again.length === 0 ? [] : ['duplicate']);
    if (round % 3 === 2) await book.restart();
    const expected = CARDS.map((card) => table.valuesOf(card));
    assert.deepEqual(await book.values(CARDS), expected, `round ${round}`);
  }
  const [source] = (await book.status()).sources;
  const { ids } = source as { ids: { count: number; bytes: number; horizonMs: number } };
  assert.ok(ids.count >= table.rows.size && ids.bytes > 0);
  assert.equal(ids.horizonMs, 7 * 86_400_000);
});
