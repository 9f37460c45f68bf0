import type { ReplicaRead } from './replica-read.ts';
import type { RowKey } from './row-store.ts';

interface Flight {
  /** By place: the number of the row. */
  readonly at: ReadonlyMap<string, number>;
  readonly deadlineMs: number;
  readonly read: Promise<ReplicaRead>;
}

/** Reads that are under way: whoever wants no other rows than those of one of them waits for it. */
export class RowsInFlight {
  readonly #byPlace = new Map<string, Flight>();

  /** The rows of a read that is under way and will not be later; null where there is none. */
  join(wanted: readonly RowKey[], deadlineMs: number): Promise<ReplicaRead> | null {
    const [first] = wanted;
    if (first === undefined || this.#byPlace.size === 0) return null;
    const flight = this.#byPlace.get(placeOf(first));
    if (flight === undefined || flight.deadlineMs > deadlineMs) return null;
    const numbers: number[] = [];
    for (const key of wanted) {
      const number = flight.at.get(placeOf(key));
      if (number === undefined) return null;
      numbers.push(number);
    }
    return flight.read.then((read) => ({
      ...read,
      rows: read.known === null ? [] : numbers.map((number) => read.rows[number] ?? null),
    }));
  }

  add(
    wanted: readonly RowKey[],
    deadlineMs: number,
    read: Promise<ReplicaRead>,
  ): Promise<ReplicaRead> {
    const places = wanted.map(placeOf);
    const flight = { at: new Map(places.map((place, i) => [place, i])), deadlineMs, read };
    for (const place of places) this.#byPlace.set(place, flight);
    return read.finally(() => {
      for (const place of places) {
        if (this.#byPlace.get(place) === flight) this.#byPlace.delete(place);
      }
    });
  }
}

function placeOf({ group, key }: RowKey): string {
  return `${group}\n${key}`;
}
