/**
 * Counts latencies into fixed buckets on the hot path, where a general histogram would hash its
 * labels at every observation; it is written in the Prometheus text format at each scrape.
 */
export class LatencyHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, LatencySeries>();

  constructor(name: string, help: string, bucketsSeconds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#buckets = bucketsSeconds;
  }

  /** The series of one set of labels, written as Prometheus writes them: `route="/a"`. */
  series(labels: string): LatencySeries {
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = new LatencySeries(this.#buckets);
      this.#series.set(labels, series);
    }
    return series;
  }

  text(): string {
    const name = this.#name;
    const lines = [`# HELP ${name} ${this.#help}`, `# TYPE ${name} histogram`];
    for (const [labels, series] of this.#series) {
      let total = 0;
      for (const [i, bound] of this.#buckets.entries()) {
        total += series.counts[i] ?? 0;
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${total}`);
      }
      total += series.counts[this.#buckets.length] ?? 0;
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${total}`);
      lines.push(`${name}_sum{${labels}} ${series.sumSeconds}`);
      lines.push(`${name}_count{${labels}} ${total}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

export class LatencySeries {
  /** By bucket, the last for what is beyond all bounds; not cumulative. */
  readonly counts: Float64Array;
  sumSeconds = 0;
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sumSeconds += seconds;
  }
}
