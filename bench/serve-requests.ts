import { create, toBinary } from '@bufbuild/protobuf';
import { seededRandom } from '../src/base/random.ts';
import { GetFeaturesRequestSchema } from '../src/http/rpc/generated/asof/v1/features_pb.ts';
import { framed } from './grpc-load.ts';
import { BUYERS, buyerName, SHOPS, shopName } from './serve-world.ts';

interface AskedKey {
  readonly buyer: string;
  readonly shop: string;
}

/** The keys of so many requests, drawn alike for every protocol. */
function keysOf(rows: number, count: number): AskedKey[][] {
  const random = seededRandom(3);
  return Array.from({ length: count }, () =>
    Array.from({ length: rows }, () => ({
      buyer: buyerName(random.below(BUYERS)),
      shop: shopName(random.below(SHOPS)),
    })),
  );
}

export function jsonBodies(rows: number, count: number): string[] {
  return keysOf(rows, count).map((keys) => JSON.stringify({ service: 'fraud_check', rows: keys }));
}

export function httpRequests(rows: number, count: number): Buffer[] {
  return jsonBodies(rows, count).map((body) =>
    Buffer.from(
      'POST /v1/features HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
}

export const GRPC_PATH = '/asof.v1.FeatureService/GetFeatures';

export function grpcRequests(rows: number, count: number): Buffer[] {
  const column = (name: keyof AskedKey, keys: readonly AskedKey[]) => ({
    name,
    values: { case: 'strings', value: { values: keys.map((key) => key[name]) } } as const,
  });
  return keysOf(rows, count).map((keys) => {
    const columns = [column('buyer', keys), column('shop', keys)];
    const message = create(GetFeaturesRequestSchema, { service: 'fraud_check', columns });
    return framed(toBinary(GetFeaturesRequestSchema, message));
  });
}
