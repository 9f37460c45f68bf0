import { present } from '../../base/assert.ts';
import { measure } from '../../expr/vector-math.ts';
import { jsonFeature, jsonScalar } from '../../schema/json.ts';
import { encodeKey } from '../../schema/key.ts';
import type { FeatureValue, Scalar, VectorValue } from '../../schema/types.ts';
import { asciiText } from '../ascii-json.ts';
import type { ColumnarAnswer, FeatureColumn } from '../columnar-answer.ts';
import { PRESENT, STATUS_BY_CODE } from '../status-codes.ts';
import type { Search } from './begun-search.ts';
import { closerFirst, type Found } from './closeness.ts';
import { conditionsOf } from './neighbor-conditions.ts';
import type { NeighborRequest } from './neighbor-request.ts';
import type { NeighborIndex, Neighbors } from './neighbors.ts';

/** An answer as its JSON text, with what decides whether it is enough. */
export interface NeighborAnswer {
  readonly neighbors: readonly Found[];
  /** Whether the index has more than was read. */
  readonly isCut: boolean;
  readonly json: string;
}

interface Near extends Found {
  /** Among the rows that were read. */
  readonly at: number;
}

/** Of the rows that were read, the nearest that fit, by their own vectors. */
export function neighborAnswer(
  answer: ColumnarAnswer,
  begun: Search | null,
  asked: NeighborRequest,
  neighbors: Neighbors,
): NeighborAnswer {
  const search = present(begun, 'rows are read once they are known');
  const { index, query, isCut, self } = search;
  const columns = { ...answer, features: ownNames(answer, index) };
  const { metric, followed } = index;
  const keyAt = keysOf(columns, followed.vectors.entity.joinKeys);
  const fits = conditionsOf(asked.where, columns.features);
  const vectors = featureOf(columns, asked.feature);
  const { size } = followed.vectors.type;
  const near: Near[] = [];
  const seen = new Set<string>(self === null ? [] : [self]);
  for (let at = 0; at < vectors.values.length; at++) {
    const key = keyAt(at);
    const items = vectors.values[at] as VectorValue | null;
    if (items === null) {
      // It has gone since: whatever brings it back changes its row.
      if (vectors.statuses[at] !== PRESENT && asked.keys === null) followed.index.remove(key);
      continue;
    }
    if (seen.has(key) || !fits(at)) continue;
    seen.add(key);
    const value = measure(metric, { items, from: 0 }, { items: query, from: 0 }, size);
    if (value !== null) near.push({ key, value, at });
  }
  near.sort(closerFirst(metric));
  const best = near.slice(0, asked.k);
  const isOpen = asked.where.length === 0 && asked.keys === null && asked.key === null;
  if (isOpen)
    neighbors.searched(
      index,
      query,
      near.map(({ key }) => key),
    );
  return { neighbors: best, isCut, json: textOf(columns, search, asked, best) };
}

/** Features of views that no service names are called `view@version.feature`. */
function ownNames({ features }: ColumnarAnswer, { view }: NeighborIndex): FeatureColumn[] {
  const { length } = `${view.name}@${view.version}.`;
  return features.map((one) => ({ ...one, name: one.name.slice(length) }));
}

function featureOf({ features }: ColumnarAnswer, name: string): FeatureColumn {
  return present(
    features.find((one) => one.name === name),
    `the feature ${name}`,
  );
}

function keysOf(
  { keys }: ColumnarAnswer,
  joinKeys: readonly { readonly name: string }[],
): (at: number) => string {
  const own = joinKeys.map(({ name }) =>
    present(
      keys.find((one) => one.name === name),
      name,
    ),
  );
  return (at) => encodeKey(own.map(({ values }) => values[at] as Scalar));
}

function textOf(
  columns: ColumnarAnswer,
  { index, isCut }: Search,
  asked: NeighborRequest,
  best: readonly Near[],
): string {
  const { head, keys, features } = columns;
  const { followed, metric, view, feature } = index;
  const { asOfMs, commit, plan } = head;
  const freshness = head.freshness();
  const shown = features.filter(({ name }) => name === feature || asked.features.includes(name));
  const rows = best.map(({ at, value }) => {
    const key = keys.map(({ name, type, values }) => [name, jsonScalar(values[at] ?? null, type)]);
    const values = shown.map((one) => [
      one.name,
      jsonFeature(one.values[at] as FeatureValue, one.type),
    ]);
    const statuses = shown.map((one) => [
      one.name,
      JSON.stringify(STATUS_BY_CODE[one.statuses[at] as number]),
    ]);
    return `{"key":${object(key)},"measure":${value},"values":${object(values)},"statuses":${object(statuses)}}`;
  });
  const isBehind = !followed.isBuilt || followed.left > 0;
  const isWhole = best.length === asked.k || (!isCut && (asked.keys !== null || !isBehind));
  const envelope = {
    view: view.name,
    version: view.version,
    feature,
    metric,
    asOfMs,
    position: { commit },
    freshness: Object.fromEntries(plan.views.map(({ label }, at) => [label, freshness[at]])),
    index: {
      search: asked.keys !== null || followed.index.isExact ? 'exact' : 'approximate',
      vectors: followed.index.count,
      left: followed.left,
      ready: followed.isBuilt,
      commit: followed.isBuilt ? followed.commit : null,
      ageMs: followed.isBuilt ? Math.max(0, asOfMs - followed.sinceMs) : null,
    },
    complete: isWhole,
  };
  return asciiText(`${JSON.stringify(envelope).slice(0, -1)},"neighbors":[${rows.join(',')}]}`);
}

function object(fields: readonly (readonly (string | undefined)[])[]): string {
  return `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}
