import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { decodeKey, encodeKey } from '../../schema/key.ts';
import { readValue, ValueProblem } from '../../schema/read-value.ts';
import type { Scalar } from '../../schema/types.ts';
import type { FeatureRequest, OpenSink } from '../answer-sink.ts';
import { columnarSink } from '../columnar-answer.ts';
import type { FeatureServer } from '../feature-server.ts';
import { type RowShape, readRows } from '../request-rows.ts';
import type { Search } from './begun-search.ts';
import { type NeighborAnswer, neighborAnswer } from './neighbor-answer.ts';
import type { NeighborRequest } from './neighbor-request.ts';
import type { NeighborIndex, Neighbors } from './neighbors.ts';

/** The way to feature values, which decides who may read them and how many. */
export type ReadFeatures = <T>(request: FeatureRequest, open: OpenSink<T>) => T | Promise<T>;

/**
 * The nearest entities by the vectors that their rows have at the time and position of the answer.
 * The index only says which rows to read: what is answered, and in which order, comes from them.
 * @throws AsofError as reading the features does, and `bad_request`, `invalid_field`, `invalid_key`,
 * `unknown_feature`, `not_supported`
 */
export async function searchNeighbors(
  features: FeatureServer,
  neighbors: Neighbors,
  asked: NeighborRequest,
  read: ReadFeatures,
): Promise<NeighborAnswer> {
  const isFiltered = asked.where.length > 0;
  let count = isFiltered ? 10 * asked.k : asked.k + LIMITS.neighborsSpare;
  for (;;) {
    const wanted = Math.min(count, LIMITS.neighborCandidates);
    const answer = await searchOnce(features, neighbors, asked, read, wanted);
    const isShort = answer.neighbors.length < asked.k && answer.isCut;
    if (!isShort || wanted === LIMITS.neighborCandidates) return answer;
    count = wanted * 4;
  }
}

function searchOnce(
  features: FeatureServer,
  neighbors: Neighbors,
  asked: NeighborRequest,
  read: ReadFeatures,
  count: number,
): NeighborAnswer | Promise<NeighborAnswer> {
  const names = [
    ...new Set([asked.feature, ...asked.features, ...asked.where.map(({ feature }) => feature)]),
  ];
  const { view, version } = asked;
  let search: Search | null = null;
  const rows = (shape: RowShape) => {
    search = begin(features, neighbors, asked, shape, count);
    return search.rows;
  };
  const request: FeatureRequest = {
    service: undefined,
    version: undefined,
    model: undefined,
    features: names.map((feature) => ({ view, version, feature })),
    rows,
    rowCount: asked.keys?.length ?? count,
    timeoutMs: asked.timeoutMs,
  };
  return read(
    request,
    columnarSink((columns) => neighborAnswer(columns, search, asked, neighbors)),
  );
}

/** Which rows have to be read: in the same step as they are read. */
function begin(
  features: FeatureServer,
  neighbors: Neighbors,
  asked: NeighborRequest,
  shape: RowShape,
  count: number,
): Search {
  const { view, version, feature } = asked;
  const [found] = features.resolve([{ view, version, feature }]);
  const index = neighbors.find(view, found?.version ?? 0, feature);
  const { vectors, index: own } = index.followed;
  const { joinKeys } = vectors.entity;
  const named = (given: readonly unknown[]): Scalar[][] => {
    const rows = readRows(given, { joinKeys: shape.joinKeys, request: [] });
    return rows.map((row) =>
      joinKeys.map(
        ({ name }) => row[shape.joinKeys.findIndex((key) => key.name === name)] as Scalar,
      ),
    );
  };
  const [self = null] = asked.key === null ? [] : named([asked.key]).map(encodeKey);
  const query = self === null ? given(asked, index) : ofEntity(self, index, features.nowMs());
  const objectOf = (parts: readonly Scalar[]): Readonly<Record<string, Scalar>> =>
    Object.fromEntries(joinKeys.map(({ name }, at) => [name, parts[at] as Scalar]));
  if (asked.keys !== null) {
    return { index, query, self, rows: named(asked.keys).map(objectOf), isCut: false };
  }
  const wanted = count + (self === null ? 0 : 1);
  const keys = own.search(query, wanted).filter((key) => key !== self);
  const types = joinKeys.map(({ type }) => type);
  const rows = keys.map((key) => objectOf(decodeKey(key, types)));
  return { index, query, self, rows, isCut: own.count > wanted };
}

function given({ vector }: NeighborRequest, { followed }: NeighborIndex): Float32Array {
  const read = readValue(vector, followed.vectors.type);
  if (read instanceof Float32Array) return read;
  const options = { path: 'vector' };
  if (!(read instanceof ValueProblem)) throw new AsofError('invalid_field', 'No vector.', options);
  throw new AsofError('invalid_field', `The vector: ${read.message}`, {
    ...options,
    ...(read.remedy === null ? {} : { remedy: read.remedy }),
  });
}

function ofEntity(key: string, { followed, feature }: NeighborIndex, nowMs: number): Float32Array {
  const vector = followed.vectors.of(key, nowMs);
  if (vector !== null) return vector;
  throw new AsofError('invalid_key', `The entity has no '${feature}' now.`, {
    path: 'key',
    remedy: 'Name an entity that has one, or give a vector.',
  });
}
