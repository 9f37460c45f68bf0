"""Asks a server by a client that was generated from proto/, and tells what it saw as JSON."""

import json
import sys

import grpc

sys.path.insert(0, sys.argv[1])
from asof.v1 import features_pb2 as pb  # noqa: E402
from asof.v1 import features_pb2_grpc as rpc  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402

HUGE = 2**53 + 1


def main() -> None:
    with grpc.insecure_channel(sys.argv[2]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        features = rpc.FeatureServiceStub(channel)
        serving = health.Check(health_pb2.HealthCheckRequest()).status
        pushed = features.Push(
            pb.PushRequest(
                source="payments",
                columns=pb.Columns(
                    columns=[
                        pb.Column(name="id", strings=pb.Strings(values=["a", "b"])),
                        pb.Column(name="account", int64s=pb.Int64s(values=[HUGE, HUGE])),
                        pb.Column(name="amount", decimals=pb.Decimals(units=[1001, 2], scale=2)),
                        pb.Column(name="at", timestamps=pb.Timestamps(values_ms=[int(sys.argv[3])] * 2)),
                    ]
                ),
            )
        )
        answer = features.GetFeatures(
            pb.GetFeaturesRequest(
                service="account_now",
                columns=[pb.Column(name="account", int64s=pb.Int64s(values=[HUGE, HUGE - 1]))],
            ),
            timeout=10,
        )
        by_name = {column.name: column for column in answer.features}
        count, spent = by_name["payments"], by_name["spent"]
        try:
            features.GetFeatures(pb.GetFeaturesRequest(service="account_noww"))
            failed = None
        except grpc.RpcError as error:
            failed = {"code": error.code().name, "details": error.details()}
        print(
            json.dumps(
                {
                    "serving": serving == health_pb2.HealthCheckResponse.SERVING,
                    "accepted": pushed.accepted,
                    "keys": [str(key) for key in answer.keys[0].int64s.values],
                    "payments": list(count.int64s.values),
                    "statuses": [pb.Status.Name(code) for code in count.statuses],
                    "spent": [list(spent.decimals.units), spent.decimals.scale, spent.nulls.hex()],
                    "failed": failed,
                }
            )
        )


main()
