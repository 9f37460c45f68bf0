"""What Feast's own Python client sees of asof: one JSON object on the last line of the output.

Usage: client.py URL FOLDER [TOKEN]
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import pandas as pd
import requests
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource
from feast import RepoConfig
from feast.data_source import PushMode
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

URL, FOLDER, *REST = sys.argv[1:]
TOKEN = REST[0] if REST else None
HUGE = 9007199254740993
NOW = datetime.now(timezone.utc).replace(microsecond=250123)


def store() -> FeatureStore:
    auth = {} if TOKEN is None else {"auth": {"type": "oidc", "token": TOKEN}}
    return FeatureStore(
        config=RepoConfig(
            project="drivers",
            provider="local",
            registry=f"{FOLDER}/registry.db",
            offline_store={"type": "dask"},
            online_store={"type": "remote", "path": URL, "connection_retries": 1},
            entity_key_serialization_version=3,
            **auth,
        )
    )


def source(name: str) -> PushSource:
    batch = FileSource(name=f"{name}_file", path=f"{FOLDER}/{name}.parquet", timestamp_field="ts")
    return PushSource(name=name, batch_source=batch)


def repo(fs: FeatureStore):
    """As a user of Feast has it: what is served by asof stands in the client's registry too."""
    pd.DataFrame({"driver_id": [1], "region_id": ["a"], "conv_rate": [0.1], "ts": [NOW]}).to_parquet(
        f"{FOLDER}/driver_events.parquet"
    )
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    region = Entity(name="region", join_keys=["region_id"], value_type=ValueType.STRING)
    pushed = source("driver_events")
    stats = FeatureView(
        name="driver_stats",
        entities=[driver],
        ttl=timedelta(days=1),
        schema=[
            Field(name="driver_id", dtype=Int64),
            Field(name="conv_rate", dtype=Float64),
            Field(name="daily_trips", dtype=Int64),
            Field(name="name", dtype=String),
        ],
        source=pushed,
    )
    by_region = FeatureView(
        name="region_stats",
        entities=[driver, region],
        ttl=timedelta(days=1),
        schema=[
            Field(name="driver_id", dtype=Int64),
            Field(name="region_id", dtype=String),
            Field(name="region_rate", dtype=Float64),
        ],
        source=source("region_events"),
    )
    activity = FeatureService(name="driver_activity", features=[stats[["conv_rate"]]])
    fs.apply([driver, region, stats, by_region, activity])
    return stats, by_region, activity


def raised(work) -> list:
    try:
        work()
    except Exception as error:  # noqa: BLE001: what it is, is the question.
        return [type(error).__module__, type(error).__name__, str(error)]
    return ["", "nothing", ""]


def write(fs: FeatureStore) -> None:
    rows = pd.DataFrame(
        {
            "driver_id": [1001, HUGE],
            "conv_rate": [0.5, 5.0],
            "daily_trips": [10, HUGE],
            "name": ["gold", 'grün "1"'],
            "ts": [NOW, NOW],
        }
    )
    # Twice: what is sent again is taken once.
    for _ in range(2):
        fs.write_to_online_store("driver_stats", df=rows)
    # By itself: the client makes doubles of integers in a column that has nulls.
    nulls = {
        "driver_id": [1003],
        "conv_rate": [0.75],
        "daily_trips": [3],
        "name": pd.array([None], dtype="string"),
        "ts": [NOW],
    }
    fs.write_to_online_store("driver_stats", df=pd.DataFrame(nulls))
    fs.write_to_online_store(
        "region_stats",
        df=pd.DataFrame(
            {"driver_id": [7, 7], "region_id": ["a", "b"], "region_rate": [0.25, 0.75], "ts": [NOW, NOW]}
        ),
    )


def push(fs: FeatureStore) -> None:
    later = NOW + timedelta(seconds=1)
    rows = {"driver_id": [1004], "conv_rate": [0.125], "daily_trips": [4], "name": ["p"], "ts": [later]}
    fs.push("driver_events", pd.DataFrame(rows), to=PushMode.ONLINE)


def read(fs: FeatureStore, activity: FeatureService) -> dict:
    names = ["conv_rate", "daily_trips", "name", "events", "by_region", "last_rates", "last_seen"]
    features = [f"driver_stats:{name}" for name in names]
    ids = [1001, HUGE, 1003, 1004, 404]
    keys = [{"driver_id": 7, "region_id": "a"}, {"driver_id": 7, "region_id": "b"}]
    asked = {
        "features": fs.get_online_features(features, [{"driver_id": i} for i in ids]),
        "full": fs.get_online_features(
            ["driver_stats@v1:daily_trips", "region_stats:events"], keys, full_feature_names=True
        ),
        "composite": fs.get_online_features(["region_stats:region_rate"], keys),
        "service": fs.get_online_features(activity, keys),
        "on_demand": fs.get_online_features(
            FeatureService(name="driver_activity@v1", features=[]), [{"driver_id": 1001, "to_add": 5}]
        ),
    }
    return {name: answer.to_dict() for name, answer in asked.items()}


def errors(fs: FeatureStore) -> dict:
    rows = [{"driver_id": 1}]
    now = datetime.now(timezone.utc)
    bad = pd.DataFrame(
        {"driver_id": [1], "conv_rate": [1e300], "daily_trips": [1], "name": ["a"], "ts": [NOW]}
    )
    return {
        "view": raised(lambda: fs.get_online_features(["drivr_stats:conv_rate"], rows)),
        "version": raised(lambda: fs.get_online_features(["driver_stats@v9:conv_rate"], rows)),
        "feature": raised(lambda: fs.get_online_features(["driver_stats:conv_rat"], rows)),
        "service": raised(
            lambda: fs.get_online_features(FeatureService(name="no_such", features=[]), rows)
        ),
        "key": raised(lambda: fs.get_online_features(["region_stats:events"], rows)),
        "collision": raised(
            lambda: fs.get_online_features(["driver_stats:events", "region_stats:events"], rows)
        ),
        "rows": raised(lambda: fs.write_to_online_store("driver_stats", df=bad)),
        "materialize": raised(lambda: fs.materialize_incremental(now)),
    }


def raw() -> dict:
    headers = {} if TOKEN is None else {"Authorization": f"Bearer {TOKEN}"}
    answers = {}
    for name, path, body in [
        ("push", "push", {"push_source_name": "driver_events", "df": {"driver": [1005], "trips": [6],
         "at": [NOW.isoformat()], "region": [None]}, "to": "online_and_offline"}),
        ("push_nowhere", "push", {"push_source_name": "nowhere", "df": {}}),
        ("not_json", "get-online-features", "{"),
    ]:
        data = body if isinstance(body, str) else json.dumps(body)
        answer = requests.post(
            f"{URL}/{path}", data=data, headers={"content-type": "application/json", **headers}
        )
        answers[name] = [answer.status_code, answer.text]
    answers["health"] = [requests.get(f"{URL}/health").status_code, ""]
    return answers


def online_read(fs: FeatureStore, stats: FeatureView) -> list:
    """The way of the client that reads one view by entity keys."""
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    keys = [EntityKey(join_keys=["driver_id"], entity_values=[Value(int64_val=i)]) for i in (1001, 404)]
    read = fs._get_provider().online_read(fs.config, stats, keys, ["conv_rate", "daily_trips"])
    return [
        None if values is None else {name: str(value).strip() for name, value in values.items()}
        for _, values in read
    ]


def main() -> None:
    fs = store()
    if TOKEN is not None:
        secret = raised(lambda: fs.get_online_features(["hush.use:spent"], [{"card": "a"}]))
        open_to = fs.get_online_features(["hush.use:uses"], [{"card": "a"}]).to_dict()
        other = raised(lambda: fs.get_online_features(["shop.buys:bought"], [{"buyer": "a"}]))
        wrong = raised(
            lambda: fs.get_online_features(FeatureService(name="hush.sums", features=[]), [{"card": "a"}])
        )
        print(json.dumps({"secret": secret, "open": open_to, "other": other, "service": wrong}))
        return
    stats, _, activity = repo(fs)
    write(fs)
    push(fs)
    answers = {"raw": raw(), "reads": read(fs, activity), "online_read": online_read(fs, stats)}
    print(json.dumps({**answers, "errors": errors(fs)}))


main()
