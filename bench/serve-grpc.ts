import { grpcAnswerBytes, openGrpcLoad } from './grpc-load.ts';
import { type BenchOptions, compare, type Measurement, median } from './harness.ts';
import type { HttpLoad } from './http-load.ts';
import { measureP99 } from './p99.ts';
import { type Served, startServer } from './serve-processes.ts';
import { GRPC_PATH, grpcRequests } from './serve-requests.ts';

const SESSIONS = 4;
const STREAMS_PER_SESSION = 4;
const BARE = 'a bare node:http2 server that reads the call and answers as many bytes';

/** One row by gRPC over HTTP/2: the rate, and the latency at half of it. */
export async function measureGrpc(asof: Served, options: BenchOptions): Promise<Measurement[]> {
  const requests = grpcRequests(1, 1_000);
  const bytes = await grpcAnswerBytes(asof.h2Url, GRPC_PATH, requests.slice(0, 20));
  const bare = await startServer('bare-grpc', Math.round(median(bytes)));
  const open = (url: string): Promise<HttpLoad> =>
    openGrpcLoad(url, GRPC_PATH, SESSIONS, STREAMS_PER_SESSION);
  const ours = await open(asof.h2Url);
  const limit = await open(bare.h2Url);
  const work = options.quick ? 2_000 : 8_000;
  try {
    const rate = await compare(
      {
        measure: 'grpc_one_row',
        unit: 'calls/s',
        direction: 'rate',
        limitName: BARE,
        work,
        per: 1,
        rounds: options.quick ? 5 : 9,
        ours: { run: () => ours.closedLoop(requests, work) },
        limit: { run: () => limit.closedLoop(requests, work) },
      },
      options,
    );
    const pair = { ours, limit, requests };
    return [rate, await measureP99('grpc_p99_half_load', BARE, rate.value / 2, pair, options)];
  } finally {
    ours.close();
    limit.close();
    bare.stop();
  }
}
