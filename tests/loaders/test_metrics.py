"""The v5 loaders against a local server: every value of random load tests, runs and labels."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import reply
from strategies import AWKWARD_STRINGS, build_frame
from v5_server import (
    Labels,
    Matcher,
    Metric,
    MetricStack,
    Run,
    Series,
    V5Server,
    compute_series,
    compute_values,
)

import k6frames
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.tables import METRIC_SERIES, METRIC_VALUES, METRICS, Table

FIRST = 2**53 + 1
P95 = "histogram_quantile(0.95)"
NAMES = [
    "it's", "''", '"', "{}", '{a="b"},', "\\", "\\n", "a\nb", "a, b", "Kasse öffnen 🚀", "100%",
    "%27", "https://shop.example/?q=a+b&c=[1]#x", ")", "x',metric='vus", "../..",
]  # fmt: skip


# --- accounts -------------------------------------------------------------------------------------


def make_metrics(rng: random.Random, duration: int) -> dict[str, Metric]:
    """Return metrics of each type, with samples at random seconds."""

    def samples(make: Any) -> list[tuple[int, float]]:
        return sorted((rng.randrange(duration), make()) for _ in range(rng.randrange(1, 30)))

    labels = [{"name": name, "status": status} for name in NAMES for status in ("200", "503")]
    chosen = rng.sample(labels, 12)
    return {
        "http_req_duration": Metric(
            "trend", [Series(each, samples(lambda: rng.expovariate(1 / 400))) for each in chosen]
        ),
        "http_reqs": Metric(
            "counter", [Series(each, samples(lambda: rng.randrange(1, 9))) for each in chosen]
        ),
        "http_req_failed": Metric(
            "rate", [Series({}, samples(lambda: rng.random() < 0.2))]
        ),
        "vus": Metric("gauge", [Series({}, samples(lambda: rng.randrange(50)))]),
    }  # fmt: skip


def make_stack(stack_id: int, *, load_tests: int = 3, runs: int = 5, seed: int = 1) -> MetricStack:
    rng = random.Random(seed)
    ids = itertools.count(FIRST)
    started = datetime(2026, 5, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    tests = {}
    for index in range(load_tests):
        tests[100 + index] = [
            Run(
                next(ids),
                started + timedelta(days=day, hours=index),
                duration,
                make_metrics(rng, duration),
            )
            for day, duration in zip(range(runs), itertools.cycle([60, 95, 300]), strict=False)
        ]
    return MetricStack(stack_id, load_tests=tests)


TINY = {"vus": Metric("gauge", [Series({}, [(1, 5)])])}


def make_tiny_stack(stack_id: int, *, load_tests: int, runs: int) -> MetricStack:
    """Return a stack whose runs have one sample each."""
    started = datetime(2026, 5, 1, tzinfo=UTC)
    return MetricStack(
        stack_id,
        load_tests={
            test: [
                Run(test * 1000 + i, started + timedelta(hours=i), 60, TINY) for i in range(runs)
            ]
            for test in range(1, load_tests + 1)
        },
    )


@pytest.fixture
def stacks() -> list[MetricStack]:
    return [make_stack(11, seed=1), make_stack(22, seed=2)]


@pytest.fixture
def server(token, stacks):
    with V5Server(*stacks, token=token) as started:
        yield started
        assert started.violations == []


@pytest.fixture
def client(connect, server):
    return connect(server.url, stack=11)


# --- expected frames ------------------------------------------------------------------------------


def format_series(labels: Labels) -> str:
    """Format labels in Prometheus notation."""
    pairs = [f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items()]
    return f"{{{','.join(sorted(pairs))}}}" if labels else ""


def format_selector(metric: str, matchers: Iterable[Matcher]) -> str:
    escapes = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
    pairs = [f'{name}{sign}"{value.translate(escapes)}"' for name, sign, value in matchers]
    return f"{metric}{{{','.join(pairs)}}}" if pairs else metric


def expected_values(
    load_tests: Mapping[int, Sequence[Run]],
    metric: str,
    query: str,
    by: Sequence[str] = (),
    matchers: Sequence[Matcher] = (),
) -> pd.DataFrame:
    rows = [
        (test, run.id, format_series(labels), value)
        for test, runs in load_tests.items()
        for run, labels, value in compute_values(runs, metric, matchers, query, by)
    ]
    return _to_frame(
        METRIC_VALUES,
        sorted(rows),
        ["load_test_id", "test_run_id", "series", "value"],
        metric=format_selector(metric, matchers),
        query=f"{query} by ({', '.join(by)})" if by else query,
    )


def expected_series(
    runs: Sequence[Run], metric: str, query: str, by: Sequence[str] = (), **window: Any
) -> pd.DataFrame:
    rows = [
        (run.id, format_series(labels), run.started + timedelta(seconds=second), value)
        for run in runs
        for labels, values in compute_series(run, metric, (), query, by, **window)
        for second, value in values
    ]
    return _to_frame(
        METRIC_SERIES,
        sorted(rows),
        ["test_run_id", "series", "time", "value"],
        metric=metric,
        query=f"{query} by ({', '.join(by)})" if by else query,
    )


def _to_frame(table: Table, rows: list[Any], names: list[str], **constants: str) -> pd.DataFrame:
    columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    columns |= {name: [value] * len(rows) for name, value in constants.items()}
    return build_frame(table, columns)


def assert_equal(frame: pd.DataFrame, expected: pd.DataFrame, *, failed: bool = False) -> None:
    assert set(frame.attrs) == ({"fetched", "failed"} if failed else {"fetched"})
    frame.attrs.clear()
    pd.testing.assert_frame_equal(frame, expected, check_exact=True)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "query", "by"),
    [
        ("http_req_duration", P95, []),
        ("http_req_duration", P95, ["name"]),
        ("http_req_duration", "histogram_max", ["status", "name"]),
        ("http_reqs", "rate", ["status"]),
        ("http_reqs", "increase", []),
        ("http_req_failed", "ratio", []),
        ("vus", "last", []),
    ],
)
def test_every_value_of_several_load_tests_is_correct(metric, query, by, client, server, stacks):
    tests = stacks[0].load_tests
    frame = k6frames.metric_values_df(tests, metric, query, by=by or None, client=client)
    expected = expected_values(tests, metric, query, by)
    assert len(expected) >= 15
    assert_equal(frame, expected)
    assert len(server.received) == len(tests)


@pytest.mark.parametrize(
    ("query", "by", "window"),
    [
        (P95, [], {}),
        ("histogram_avg", ["name", "status"], {"step": 7}),
        ("histogram_count_increase", ["name"], {"start": 10, "end": 40.5, "step": 10}),
        (P95, [], {"start": 30}),
        (P95, [], {"end": 30, "step": 1}),
    ],
)
def test_every_value_of_the_series_of_several_runs_is_correct(query, by, window, client, stacks):
    runs = [stacks[0].load_tests[101][1], stacks[0].load_tests[102][0]]
    if "start" in window or "end" in window:
        runs = runs[:1]
    window = {
        name: value if name == "step" else runs[0].started + timedelta(seconds=value)
        for name, value in window.items()
    }
    ids = [run.id for run in runs]
    frame = k6frames.metric_series_df(
        ids, "http_req_duration", query, by=by or None, client=client, **window
    )
    expected = expected_series(runs, "http_req_duration", query, by, **window)
    assert len(expected) >= 3
    assert_equal(frame, expected)


def test_start_and_end_may_have_any_offset(client, stacks):
    run = stacks[0].load_tests[100][0]
    start = (run.started + timedelta(seconds=20)).astimezone(timezone(timedelta(hours=5.5)))
    end = f"{run.started + timedelta(seconds=40):%Y-%m-%dT%H:%M:%S.%f}"
    frame = k6frames.metric_series_df(run.id, start=start.isoformat(), end=end, client=client)
    window = {"start": start, "end": run.started + timedelta(seconds=40)}
    assert_equal(frame, expected_series([run], "http_req_duration", P95, **window))


@pytest.fixture(scope="module")
def shared_server():
    with V5Server(token="glsa_shared") as started:
        yield started
        assert started.violations == []


@pytest.fixture(scope="module")
def shared_client(shared_server):
    options = {"stack": 5, "api_url": shared_server.url, "cache": False, "progress": False}
    with k6frames.Client("glsa_shared", **options) as opened:
        yield opened


label_values = st.sampled_from([*NAMES, *AWKWARD_STRINGS]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)


@given(
    values=st.lists(label_values.filter(bool), min_size=2, max_size=4, unique=True),
    sign=st.sampled_from(["=", "!="]),
)
def test_labels_with_any_characters_are_selected_and_returned(
    values, sign, shared_client, shared_server
):
    series = [
        Series({"name": value, "group": f"::{value}"}, [(index, index + 0.5)])
        for index, value in enumerate(values)
    ]
    run = Run(9, datetime(2026, 1, 1, tzinfo=UTC), 60, {"waiting": Metric("trend", series)})
    shared_server.stacks = {5: MetricStack(5, load_tests={3: [run]})}
    matchers = [("name", sign, values[0])]
    frame = k6frames.metric_values_df(
        3, format_selector("waiting", matchers), P95, by=["group", "name"], client=shared_client
    )
    expected = {
        (("group", each.labels["group"]), ("name", each.labels["name"])): each.samples[0][1]
        for each in series
        if (each.labels["name"] == values[0]) == (sign == "=")
    }
    found = {parse_series(text): value for text, value in frame[["series", "value"]].to_numpy()}
    assert found == expected


def parse_series(text: str) -> tuple[tuple[str, str], ...]:
    """Parse labels in Prometheus notation, which has three escapes."""
    labels, rest = [], text.removeprefix("{")
    while rest != "}":
        name, _, rest = rest.partition('="')
        value = ""
        while not rest.startswith('"'):
            if rest.startswith("\\"):
                value += {"n": "\n", "\\": "\\", '"': '"'}[rest[1]]
                rest = rest[2:]
            else:
                value, rest = value + rest[0], rest[1:]
        labels.append((name, value))
        rest = rest[1:].removeprefix(",")
    return tuple(labels)


def change_values(server: V5Server, values: Sequence[Any]) -> None:
    """Make the server send these values instead of its own."""

    def change(_: Any, response: Any) -> Any:
        found = iter(values)
        for series in response["data"]["result"]:
            series["values"] = [[when, next(found)] for when, _ in series["values"]]
        return response

    server.change = change


def test_numbers_and_numeric_strings_are_values_and_nan_is_missing(client, server):
    change_values(server, [7, "0.25", "NaN", None, "1e-3"])
    frame = k6frames.metric_values_df(100, client=client)
    assert frame["value"].dtype == "Float64"
    assert frame["value"].tolist() == [7.0, 0.25, pd.NA, pd.NA, 0.001]


@pytest.mark.parametrize(
    "value", ["+Inf", "-Inf", "1e999", "fast", "", "1_000", "\u0661", True, [1]]
)
def test_a_value_that_is_not_a_finite_number_is_an_error_that_names_it(value, client, server):
    change_values(server, [1, 2, value, 4, 5])
    with pytest.raises(SchemaError) as error:
        k6frames.metric_values_df(100, client=client)
    assert "load_tests/100/" in str(error.value)
    if isinstance(value, str):
        assert "data.result[2]: the value must be a" in str(error.value)
        assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    "body", [{}, {"data": None}, {"data": {"result": {}}}, {"data": {"result": [{}]}}]
)
def test_an_undocumented_response_is_an_error_that_names_the_request(body, client, server):
    server.change = lambda *_: body
    with pytest.raises(SchemaError, match=rf"test_runs/{FIRST}/query_range_k6.*documented form"):
        k6frames.metric_series_df(FIRST, client=client)


# --- runs -----------------------------------------------------------------------------------------


def test_runs_whose_series_have_expired_have_no_rows(client, stacks):
    runs = stacks[0].load_tests[100]
    runs[0].has_expired = runs[1].has_expired = True
    frame = k6frames.metric_values_df([100, 101], by="name", client=client)
    tests = {test: stacks[0].load_tests[test] for test in (100, 101)}
    assert_equal(frame, expected_values(tests, "http_req_duration", P95, ["name"]))
    assert runs[0].id not in set(frame["test_run_id"])


@pytest.mark.parametrize("status", [404, 200])
def test_a_load_test_without_data_has_no_rows(status, client, server, stacks):
    server.unknown_metric = status
    for run in stacks[0].load_tests[100]:
        run.metrics = {}
    run_id = stacks[0].load_tests[100][0].id
    for frame, table in (
        (k6frames.metric_values_df(100, client=client), METRIC_VALUES),
        (k6frames.metric_series_df(run_id, client=client), METRIC_SERIES),
        (k6frames.metrics_df(100, client=client), METRICS),
    ):
        assert len(frame) == 0
        assert frame.dtypes.to_dict() == table.dtypes
        assert "failed" not in frame.attrs


def test_last_limits_the_number_of_runs(connect, token):
    with V5Server(make_tiny_stack(5, load_tests=1, runs=60), token=token) as server:
        client = connect(server.url, stack=5)
        for options, first in (({}, 30), ({"last": 3}, 57), ({"last": 45}, 15), ({"last": 99}, 0)):
            frame = k6frames.metric_values_df(1, "vus", "max", client=client, **options)
            assert frame["test_run_id"].tolist() == list(range(1000 + first, 1060))
        with pytest.raises(APIError, match="test_run_count must be 1 to 200"):
            k6frames.metric_values_df(1, "vus", "max", last=201, client=client)


def test_test_run_ids_replace_the_newest_runs(client, server, stacks):
    runs = stacks[0].load_tests[101]
    chosen = [runs[3], runs[0]]
    ids = [run.id for run in chosen]
    frame = k6frames.metric_values_df(101, test_run_ids=iter(ids), last=1, client=client)
    assert_equal(frame, expected_values({101: chosen}, "http_req_duration", P95))
    assert "test_run_count" not in server.received[-1].path
    assert len(k6frames.metrics_df(101, test_run_ids=ids, client=client)) == 4


@pytest.mark.parametrize("loader", ["metric_values_df", "metrics_df"])
def test_an_empty_list_of_test_run_ids_takes_no_request_and_gives_no_rows(loader, client, server):
    load = getattr(k6frames, loader)
    assert len(load(101, test_run_ids=[], client=client)) == 0
    assert server.received == []
    assert len(load(735140, test_run_ids=[], client=k6frames.Client.sample())) == 0


def test_metrics_have_their_types_and_labels(client, stacks):
    frame = k6frames.metrics_df([101, 100], client=client)
    rows = [
        (test, name, metric.type, ",".join(sorted(metric.series[0].labels)))
        for test in (101, 100)
        for name, metric in stacks[0].load_tests[test][0].metrics.items()
    ]
    names = ["load_test_id", "name", "type", "labels"]
    expected = build_frame(
        METRICS, {name: [row[i] for row in rows] for i, name in enumerate(names)}
    )
    assert_equal(frame, expected)


# --- requests -------------------------------------------------------------------------------------


def test_50_load_tests_of_30_runs_take_50_requests(connect, token):
    stack = make_tiny_stack(5, load_tests=50, runs=30)
    with V5Server(stack, token=token) as server:
        client = connect(server.url, stack=5)
        frame = k6frames.metric_values_df(stack.load_tests, "vus", "max", client=client)
        assert len(server.received) == 50
        assert_equal(frame, expected_values(stack.load_tests, "vus", "max"))
    assert len(frame) == 1500


def test_each_query_is_cached_separately(connect, server):
    client = connect(server.url, stack=11, cache=True)
    selectors = [format_selector("http_reqs", [("name", "=", name)]) for name in NAMES]
    frames = [
        [k6frames.metric_values_df(100, selector, "rate", client=client) for selector in selectors]
        for _ in range(2)
    ]
    for first, second in zip(*frames, strict=True):
        pd.testing.assert_frame_equal(first, second)
    sent = [request for request in server.received if "query" in request.path]
    assert len(sent) == len(NAMES)
    assert len(pd.concat(frames[0])["test_run_id"].unique()) == 5


def test_load_tests_are_read_concurrently(connect, token):
    with V5Server(make_tiny_stack(5, load_tests=8, runs=1), token=token) as server:
        server.wait = threading.Barrier(8, timeout=20).wait  # until there are eight requests
        client = connect(server.url, stack=5)
        assert len(k6frames.metric_values_df(range(1, 9), "vus", "max", client=client)) == 8


def test_each_stack_has_its_own_values(connect, server, stacks):
    client = connect(server.url, stack=[11, 22])
    for stack in stacks:
        frame = k6frames.metric_values_df(100, stack=stack.id, client=client)
        runs = {100: stack.load_tests[100]}
        assert_equal(frame, expected_values(runs, "http_req_duration", P95))
        assert server.received[-1].stack == str(stack.id)
    with pytest.raises(ConfigError, match="pass stack= as one of 11, 22"):
        k6frames.metric_values_df(100, client=client)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 400, 200])
def test_an_unknown_metric_is_an_error_that_names_the_existing_ones(status, client, server, stacks):
    server.unknown_metric = status
    del stacks[0].load_tests[101][0].metrics["vus"]
    run_id = stacks[0].load_tests[101][0].id
    reason = "" if status == 200 else r".*There is no metric 'http_request', so it's refused.*"
    names = r" Choose one of .* \(http_req_duration, http_req_failed, http_reqs"
    start = r"^load test 101 has no metric 'http_request'\."
    with pytest.raises(APIError, match=rf"{start}{reason}{names}, vus\)\.$"):
        k6frames.metric_values_df(101, 'http_request{name="a"}', "rate", client=client)
    start = rf"^test run {run_id} has no metric 'http_request'\."
    with pytest.raises(APIError, match=rf"{start}{reason}{names}\)\.$"):
        k6frames.metric_series_df(run_id, "http_request", "rate", client=client)


@pytest.mark.parametrize("status", [404, 400, 200])
def test_with_warn_load_tests_that_fail_are_left_out_and_named(status, client, server, stacks):
    server.unknown_metric = status
    for run in stacks[0].load_tests[101]:
        del run.metrics["vus"]
    with pytest.warns(UserWarning, match=r"^2 of 4 requests failed.*test 101 has no metric 'vus'"):
        frame = k6frames.metric_values_df(
            [100, 101, 102, 999], "vus", "max", client=client, on_error="warn"
        )
    assert [failure["load_test_id"] for failure in frame.attrs["failed"]] == [101, 999]
    tests = {test: stacks[0].load_tests[test] for test in (100, 102)}
    assert_equal(frame, expected_values(tests, "vus", "max"), failed=True)
    advice = "" if status == 400 else ' To read the rest without it, pass on_error="warn".'
    with pytest.raises(APIError, match=rf"^load test 101 has no metric 'vus'.*\)\.{advice}$"):
        k6frames.metric_values_df([100, 101, 102], "vus", "max", client=client)


@pytest.mark.parametrize(
    ("query", "reason"),
    [("median", "'median' does not fit a trend"), ("avg(", "cannot read the query 'avg\\('")],
)
def test_the_reason_for_a_rejected_query_is_in_the_error(query, reason, client):
    with pytest.raises(APIError, match=rf"^load test 100: .*{reason}.*the metric and the query"):
        k6frames.metric_values_df(100, query=query, client=client)


def test_a_query_that_a_folder_does_not_have_is_an_error_that_says_so():
    client = k6frames.Client.sample()
    with pytest.raises(APIError, match=r"^load test 735140 has this .* no response to this"):
        k6frames.metric_values_df(735140, "http_reqs", "max", client=client)
    with pytest.raises(APIError, match=r"^load test 735140 has no metric 'http_request'"):
        k6frames.metric_values_df(735140, "http_request", client=client)


def test_values_that_are_not_utf_8_are_a_schema_error(tmp_path):
    folder = k6frames.snapshot(tmp_path / "account", k6frames.Client.sample(), with_metrics=True)
    (file,) = folder.glob("stacks/*/cloud/v5/load_tests/735140/*.json")
    file.write_bytes(file.read_bytes().replace(b'"metric":{', b'"metric":{"name":"\xff",', 1))
    client = k6frames.Client(api_url=folder.as_uri())
    with pytest.raises(SchemaError, match=r"735140.*does not have the documented form"):
        k6frames.metric_values_df(735140, client=client)


def test_an_error_in_the_format_of_prometheus_is_shown(serve, connect):
    body = {"status": "error", "errorType": "bad_data", "error": "1:9: not a label"}
    steps = [reply(json.dumps(body).encode(), status=400)]
    server = serve(script={"/cloud/v5/test_runs/7/query_range_k6(query='rate',metric='a')": steps})
    with pytest.raises(APIError, match=r"1:9: not a label.*Check the metric"):
        k6frames.metric_series_df(7, "a", "rate", client=connect(server, stack=1))


def test_a_wrong_token_stops_the_other_requests(connect, server):
    server.latency = 0.05
    client = connect(server.url, stack=11, token="glsa_other", max_workers=1)
    with pytest.raises(APIError, match="The token is not valid"):
        k6frames.metric_values_df(range(100, 130), client=client)
    assert len(server.received) < 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": " "}, "metric must be a non-empty string"),
        ({"query": None}, "query must be a non-empty string"),
        ({"by": []}, "by must be label names"),
        ({"by": ["name", 1]}, "by must be label names"),
        ({"by": 1}, "by must be label names"),
        ({"by": "name", "query": "rate by (url)"}, "already has a by clause"),
        ({"last": 0}, "last must be"),
        ({"test_run_ids": ["1"]}, "test_run_ids must contain only IDs, not .1."),
        ({"load_test_id": "Checkout"}, "load_test_id must be an ID"),
        ({"on_error": "ignore"}, 'on_error must be "raise" or "warn"'),
    ],
)
def test_invalid_arguments_are_errors_before_any_request(arguments, message, client, server):
    with pytest.raises(ConfigError, match=message):
        k6frames.metric_values_df(**{"load_test_id": 100, "client": client, **arguments})
    assert server.received == []
    with pytest.raises(
        ConfigError, match="start must be before end, not 2026-05-02 and 2026-05-01"
    ):
        k6frames.metric_series_df(1, start="2026-05-02", end="2026-05-01", client=client)


# --- the test server ------------------------------------------------------------------------------

RUN = f"test_runs/{FIRST}/query_range_k6"
TEST = "load_tests/100/query_aggregate_k6"


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        (f"{TEST}(query='max',metric='vus')", 200, '"vector"'),
        (f"{RUN}(query='max',metric='vus',step=5,start=2026-05-01T00:00:00Z)", 200, '"matrix"'),
        (f"{TEST}(query=max,metric='vus')", 400, "Invalid isoformat"),
        (f"{TEST}(query=\"max\",metric='vus')", 400, "not encoded"),
        (f"{TEST}(query='max',metric='vus{{a=\"it's\"}}')", 400, "a comma was expected"),
        (f"{TEST}(query='max',metric='vus)", 400, "a string has no end"),
        (f"{TEST}(query='max',metric='vus a=\"b\"')", 400, "not a selector"),
        (f"{TEST}(query='max',metric='vus{{a=b}}')", 400, "not a selector"),
        (f"{TEST}(query='max',metric='vus',step=5)", 400, "unknown parameter step"),
        (f"{TEST}(query='max',metric='vus',test_run_count='5')", 400, "must be of type int"),
        (f"{TEST}(query='max',query='max',metric='vus')", 400, "given twice"),
        (f"{TEST}(query='max')", 400, "query and metric are required"),
        (f"{RUN}(query='max',metric='vus',start='2026-05-01T00:00:00Z')", 400, "type datetime"),
        (f"{RUN}(query='max',metric='vus',start=2026-05-01T00:00:00)", 400, "has no offset"),
        (f"{RUN}(query='max',metric='latency')", 404, "There is no metric"),
        (f"{RUN}(query='rate',metric='vus')", 400, "does not fit a gauge"),
        ("load_tests/7/metrics", 404, "There is no such load test"),
        ("load_tests/100/median(query='a')", 404, "There is no such function"),
    ],
)
def test_the_test_server_rejects_what_the_api_rejects(path, status, reason, server):
    safe = "()',:=[]/" + ('"' if reason == "not encoded" else "")
    found, body = fetch(server, quote(path, safe=safe))
    assert (found, reason in body) == (status, True), body
    server.violations.clear()


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"X-Stack-Id": ""}, 400), ({"X-Stack-Id": "33"}, 403), ({"Authorization": "token x"}, 401)],
)
def test_the_test_server_rejects_wrong_headers(headers, status, server):
    assert fetch(server, "load_tests/100/metrics", **headers)[0] == status
    server.violations.clear()


def fetch(server: V5Server, path: str, **headers: str) -> tuple[int, str]:
    """Return status and body without the code under test."""
    sent = {"Authorization": f"Bearer {server.token}", "X-Stack-Id": "11"} | headers
    with closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)) as connection:
        connection.request("GET", f"/cloud/v5/{path}", headers=sent)
        response = connection.getresponse()
        return response.status, response.read().decode()
