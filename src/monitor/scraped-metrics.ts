import { Counter, Gauge, type Registry } from 'prom-client';

/**
 * Metrics of one part of the platform that are read from its status at each scrape: they begin at
 * nothing each time, so that what is gone from the status is gone from the metrics.
 */
export class ScrapedMetrics {
  readonly #registers: Registry[];
  readonly #all: { reset(): void }[] = [];

  constructor(registry: Registry) {
    this.#registers = [registry];
  }

  gauge<const Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Gauge<Label> {
    const gauge = new Gauge({ name, help, labelNames, registers: this.#registers });
    this.#all.push(gauge);
    return gauge;
  }

  /** A total that its owner keeps; here it is set anew at each scrape. */
  counter<const Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    const counter = new Counter({ name, help, labelNames, registers: this.#registers });
    this.#all.push(counter);
    return counter;
  }

  reset(): void {
    for (const metric of this.#all) metric.reset();
  }
}
