import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { RESULT, resultRelation } from '../result-table.ts';
import { joinRows } from '../training-rows.ts';
import { type Columns, readColumns } from './columns.ts';
import type { LeakageOptions } from './leakage-options.ts';
import { movedSpine, type SpineSample } from './spine-sample.ts';
import { readTexts } from './without-future.ts';

export interface FeatureRun {
  /** Features, labels and the spine's columns, by name. */
  readonly columns: Columns;
  /** Names of the features. */
  readonly features: readonly string[];
  /** The features' values as text, exactly. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

/** Features of the sampled rows, as often as they are asked for. */
export class SampledFeatures {
  readonly options: LeakageOptions;
  readonly sample: SpineSample;
  readonly #session: DuckDbSession;

  constructor(session: DuckDbSession, options: LeakageOptions, sample: SpineSample) {
    this.#session = session;
    this.options = options;
    this.sample = sample;
  }

  /** With the rows at the times that `timeSql` gives, over `__asof_t` and the row's number `n`. */
  async features(
    timeSql: string,
    change: { readonly before?: boolean; readonly rows?: number } = {},
  ): Promise<FeatureRun> {
    const { options, sample } = this;
    const { plan, service, version, history, known, servingDelayMs, labels, functions } = options;
    const joined = await joinRows(
      this.#session,
      {
        ...{ plan, service, history },
        ...(version === undefined ? {} : { version }),
        ...(known === undefined ? {} : { known }),
        ...(servingDelayMs === undefined ? {} : { servingDelayMs }),
        ...(labels === undefined ? {} : { labels }),
        ...(functions === undefined ? {} : { functions }),
        // A sample says enough of what can be computed.
        allowFunctionTimeouts: true,
        callNetworks: options.callNetworks === true,
        before: change.before ?? options.before === true,
        spine: { relation: movedSpine(sample, timeSql, change.rows ?? sample.rows) },
        time: sample.timeColumn,
        out: 'none.parquet',
        prefix: '',
      },
      () => {},
    );
    const relation = resultRelation(joined.spine, joined.added);
    const columns = await readColumns(this.#session, relation);
    const texts = await readTexts(this.#session, relation, joined.features);
    await this.#session.run(`DROP TABLE ${RESULT}`);
    return { columns, features: joined.features, texts };
  }
}
