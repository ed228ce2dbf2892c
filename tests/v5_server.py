"""A server on 127.0.0.1 that follows the documentation of the v5 metrics API.

The arguments of its functions are part of the path. It reads them with a parser of its own, refuses
what the documentation does not allow, and computes all values from the samples of its runs.
`compute_values` and `compute_series` compute the same without any path or JSON.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from v6_server import Received, Refusal, StackData, V6Server

PREFIX = "/cloud/v5/"
DEFAULT_COUNT = 30
MAX_COUNT = 200
DEFAULT_STEP = 5

Labels = dict[str, str]
Matcher = tuple[str, str, str]
"""A label, an operator and a value."""


@dataclass(frozen=True)
class Series:
    """The samples of a metric with the same labels: seconds since the run's start, and values."""

    labels: Labels
    samples: list[tuple[int, float]]


@dataclass(frozen=True)
class Metric:
    type: str
    series: list[Series]


@dataclass
class Run:
    """A test run. Once its retention has ended, it has no series."""

    id: int
    started: datetime
    duration: int
    metrics: dict[str, Metric]
    result: str | None = "passed"
    has_expired: bool = False


@dataclass
class MetricStack(StackData):
    """A Grafana stack: the runs of each load test by its ID, in the order of their creation."""

    load_tests: dict[int, list[Run]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lists = {
            "projects": [{"id": 7, "name": "Shop"}],
            "load_tests": [
                {"id": test_id, "project_id": 7, "name": f"Test {test_id}"}
                for test_id in self.load_tests
            ],
            "test_runs": [
                {
                    "id": run.id,
                    "test_id": test_id,
                    "project_id": 7,
                    "created": run.started.isoformat(),
                    "ended": (run.started + timedelta(seconds=run.duration)).isoformat(),
                    "status": "completed",
                    "result": run.result,
                }
                for test_id, runs in self.load_tests.items()
                for run in runs
            ],
        }

    def find_run(self, run_id: int) -> Run:
        for runs in self.load_tests.values():
            for run in runs:
                if run.id == run_id:
                    return run
        raise Refusal(404, "There is no such test run.")


class V5Server(V6Server):
    """The v6 API of some stacks, and their metrics.

    Attributes
    ----------
    unknown_metric : int
        The status of the response to a query for an unknown metric; the documentation does not
        specify it. With 200, the response has an empty result.
    """

    unknown_metric = 404

    def _find(self, request: Received) -> Any:
        if not request.path.startswith(PREFIX):
            return super()._find(request)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, "The token is not valid.")
        stack = self._stack(request)
        assert isinstance(stack, MetricStack)
        if request.query or not re.fullmatch(r"(%[0-9A-Fa-f]{2}|[\w/().,:;=@!$&'*+\[\]~-])*",
                                             request.path, re.ASCII):  # fmt: skip
            raise self._violation(request, "the path is not encoded")
        path = unquote(request.path.removeprefix(PREFIX), errors="strict")
        found = re.fullmatch(r"(load_tests|test_runs)/(\d+)/(\w+)(\(.*\))?", path, re.DOTALL)
        if found is None:
            raise Refusal(404, "There is no such resource.")
        kind, number, function, written = found.groups()
        try:
            arguments = {} if written is None else parse_arguments(written)
        except ValueError as error:
            raise self._violation(request, str(error)) from None
        if kind == "test_runs":
            runs = [stack.find_run(int(number))]
        elif int(number) in stack.load_tests:
            runs = stack.load_tests[int(number)]
        else:
            raise Refusal(404, "There is no such load test.")
        try:
            return self._call(kind, function, runs, arguments)
        except TypeError as error:
            raise self._violation(request, str(error)) from None

    def _call(self, kind: str, function: str, runs: list[Run], arguments: dict[str, Any]) -> Any:
        check_arguments(kind, function, arguments)
        if kind == "load_tests":
            runs = self._choose(runs, arguments)
        if function == "metrics":
            return {"value": list(list_metrics(kind, runs))}
        name, matchers = parse_selector(arguments["metric"])
        method, by = parse_query(arguments["query"])
        self._check_method(runs, name, method)
        if function == "query_aggregate_k6":
            result_type, found = "vector", compute_values(runs, name, matchers, method, by)
            rows = [(run, labels, [(run.duration, value)]) for run, labels, value in found]
        else:
            run, step = runs[0], arguments.get("step", DEFAULT_STEP)
            times = {key: arguments.get(key) for key in ("start", "end")}
            series = compute_series(run, name, matchers, method, by, step=step, **times)
            result_type, rows = "matrix", [(run, labels, values) for labels, values in series]
        result = [
            {
                "metric": {"__name__": name, **labels, "test_run_id": str(run.id)},
                "values": [
                    [write_time(run.started + timedelta(seconds=second)), write_value(value)]
                    for second, value in values
                ],
            }
            for run, labels, values in rows
        ]
        return {"status": "success", "data": {"resultType": result_type, "result": result or None}}

    def _check_method(self, runs: list[Run], name: str, method: str) -> None:
        types = {run.metrics[name].type for run in runs if name in run.metrics}
        if not types and self.unknown_metric != 200:
            raise Refusal(self.unknown_metric, f"There is no metric {name!r}, so it's refused.")
        for metric_type in types:
            if method.partition("(")[0] not in METHODS[metric_type]:
                raise Refusal(400, f"{method!r} does not fit a {metric_type}")

    def _choose(self, runs: list[Run], arguments: dict[str, Any]) -> list[Run]:
        if {"test_run_count", "test_run_ids"} <= set(arguments):
            raise TypeError("test_run_count and test_run_ids exclude each other")
        if "test_run_ids" in arguments:
            return [run for run in runs if run.id in arguments["test_run_ids"]]
        count = arguments.get("test_run_count", DEFAULT_COUNT)
        if not 1 <= count <= MAX_COUNT:
            raise Refusal(400, f"test_run_count must be 1 to {MAX_COUNT}")
        return runs[-count:]


# --- reading paths --------------------------------------------------------------------------------


ARGUMENTS: dict[tuple[str, str], dict[str, type]] = {
    ("test_runs", "metrics"): {},
    ("load_tests", "metrics"): {"test_run_count": int, "test_run_ids": list},
    ("test_runs", "query_range_k6"): {
        "query": str, "metric": str, "step": int, "start": datetime, "end": datetime,
    },
    ("load_tests", "query_aggregate_k6"): {
        "query": str, "metric": str, "test_run_count": int, "test_run_ids": list,
    },
}  # fmt: skip
"""The arguments of each function in the documentation, and their types."""


def check_arguments(kind: str, function: str, arguments: dict[str, Any]) -> None:
    """Refuse unknown and missing arguments, and those of the wrong type."""
    allowed = ARGUMENTS.get((kind, function))
    if allowed is None:
        raise Refusal(404, "There is no such function.")
    for name, value in arguments.items():
        if name not in allowed:
            raise TypeError(f"unknown parameter {name}")
        if type(value) is not allowed[name]:
            raise TypeError(f"{name} must be of type {allowed[name].__name__}")
    if function != "metrics" and not {"query", "metric"} <= set(arguments):
        raise TypeError("query and metric are required")


def parse_arguments(text: str) -> dict[str, Any]:
    """Read ``(name=value,name=value)``, or raise a ValueError."""
    arguments: dict[str, Any] = {}
    position = 1
    while True:
        name = re.compile(r"([a-z_]+)=").match(text, position)
        if name is None:
            raise ValueError(f"a name was expected at {text[position:]!r}")
        value, position = parse_value(text, name.end())
        if name[1] in arguments:
            raise ValueError(f"{name[1]} is given twice")
        arguments[name[1]] = value
        if text[position:] == ")":
            return arguments
        if text[position] != ",":
            raise ValueError(f"a comma was expected at {text[position:]!r}")
        position += 1


def parse_value(text: str, start: int) -> tuple[Any, int]:
    """Return the value that begins at `start`, and where it ends."""
    if text[start] == "'":
        # A quote in a string is doubled.
        string = re.compile(r"'((?:[^']|'')*)'(?!')").match(text, start)
        if string is None:
            raise ValueError("a string has no end")
        return string[1].replace("''", "'"), string.end()
    if text[start] == "[":
        end = text.index("]", start)
        return [int(number) for number in text[start + 1 : end].split(",")], end + 1
    word = re.split("[,)]", text[start:], maxsplit=1)[0]
    end = start + len(word)
    if re.fullmatch(r"-?[0-9]+", word):
        return int(word), end
    timestamp = datetime.fromisoformat(word)
    if timestamp.tzinfo is None or "T" not in word:
        raise ValueError(f"{word} has no offset, or is not ISO 8601")
    return timestamp, end


def parse_selector(text: str) -> tuple[str, list[Matcher]]:
    """Read ``name{label="value",label!="value"}``."""
    found = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?", text, re.DOTALL)
    if found is None:
        raise Refusal(400, "the metric is not a selector")
    name, inner = found.groups()
    matchers: list[Matcher] = []
    rest = inner or ""
    while rest:
        one = re.match(r'([a-zA-Z_]\w*)(!=|=~|!~|=)"((?:[^"\\]|\\.)*)"(,|$)', rest, re.DOTALL)
        if one is None:
            raise Refusal(400, "the metric is not a selector")
        value = re.sub(r"\\(.)", lambda c: "\n" if c[1] == "n" else c[1], one[3], flags=re.DOTALL)
        matchers.append((one[1], one[2], value))
        rest = rest[one.end() :]
    return name, matchers


def parse_query(text: str) -> tuple[str, list[str]]:
    """Read ``method by (label, label)``."""
    found = re.fullmatch(r"([a-z_]+(?:\([0-9.]+\))?)(?: by \(([\w, ]+)\))?", text)
    if found is None:
        raise Refusal(400, f"cannot read the query {text!r}")
    by = [label.strip() for label in found[2].split(",")] if found[2] else []
    return found[1], by


# --- computing values -----------------------------------------------------------------------------


METHODS = {
    "counter": {"increase", "rate", "value"},
    "gauge": {"last", "min", "max", "avg"},
    "rate": {"ratio", "increase_total", "rate_total"},
    "trend": {
        "histogram_max", "histogram_min", "histogram_avg", "histogram_quantile",
        "histogram_count_increase",
    },
}  # fmt: skip


COMPUTED: dict[str, Callable[[Sequence[float], float], float]] = {
    "increase": lambda values, _: sum(values),
    "value": lambda values, _: sum(values),
    "rate": lambda values, seconds: sum(values) / seconds,
    "last": lambda values, _: values[-1],
    "min": lambda values, _: min(values),
    "max": lambda values, _: max(values),
    "avg": lambda values, _: statistics.fmean(values),
    "ratio": lambda values, _: sum(map(bool, values)) / len(values),
    "increase_total": lambda values, _: len(values),
    "rate_total": lambda values, seconds: len(values) / seconds,
    "count_increase": lambda values, _: len(values),
}


def compute(method: str, values: Sequence[float], seconds: float) -> float:
    """Return the value of the samples of a period of `seconds`."""
    if method.startswith("histogram_quantile"):
        share = float(method.removeprefix("histogram_quantile(").removesuffix(")"))
        return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
    return COMPUTED[method.removeprefix("histogram_")](values, seconds)


def compute_values(
    runs: Iterable[Run], name: str, matchers: Sequence[Matcher], method: str, by: Sequence[str]
) -> Iterator[tuple[Run, Labels, float]]:
    """Yield the value of each series of runs."""
    for run in runs:
        for labels, samples in _group(run, name, matchers, by):
            yield run, labels, compute(method, [value for _, value in samples], run.duration)


def compute_series(
    run: Run,
    name: str,
    matchers: Sequence[Matcher],
    method: str,
    by: Sequence[str],
    *,
    step: int = DEFAULT_STEP,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Iterator[tuple[Labels, list[tuple[float, float]]]]:
    """Yield each series of a run: seconds since the start of the run, and values."""
    first = 0.0 if start is None else (start - run.started).total_seconds()
    last = run.duration if end is None else (end - run.started).total_seconds()
    for labels, samples in _group(run, name, matchers, by):
        values = []
        second = first
        while second <= last:
            within = [value for time, value in samples if second <= time < second + step]
            if within:
                values.append((second, compute(method, within, step)))
            second += step
        yield labels, values


def _group(
    run: Run, name: str, matchers: Sequence[Matcher], by: Sequence[str]
) -> list[tuple[Labels, list[tuple[int, float]]]]:
    """Return the samples of each combination of labels, in the order of their time."""
    groups: dict[tuple[str | None, ...], list[tuple[int, float]]] = {}
    if name in run.metrics and not run.has_expired:
        for series in run.metrics[name].series:
            if all(_is_match(series.labels, matcher) for matcher in matchers):
                key = tuple(series.labels.get(label) for label in by)
                groups.setdefault(key, []).extend(series.samples)
    return [
        (
            {label: value for label, value in zip(by, key, strict=True) if value is not None},
            sorted(samples),
        )
        for key, samples in groups.items()
    ]


def _is_match(labels: Labels, matcher: Matcher) -> bool:
    label, operator, wanted = matcher
    value = labels.get(label, "")
    is_equal = value == wanted
    if operator.endswith("~"):
        is_equal = re.fullmatch(wanted, value) is not None
    return is_equal != operator.startswith("!")


def list_metrics(kind: str, runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """Yield the metrics of a run, or those of a load test with their labels."""
    metrics: dict[str, list[Series]] = {}
    types: dict[str, str] = {}
    for run in runs:
        for name, metric in ({} if run.has_expired else run.metrics).items():
            metrics.setdefault(name, []).extend(metric.series)
            types[name] = metric.type
    for name, series in metrics.items():
        if kind == "test_runs":
            yield {"id": f"id-{name}", "name": name, "origin": "builtin", "type": types[name]}
        else:
            labels = sorted({label for one in series for label in one.labels})
            yield {"name": name, "type": types[name], "labels": labels}


# --- writing responses ----------------------------------------------------------------------------


def write_time(time: datetime) -> float:
    """Return seconds, as an int where they are whole."""
    seconds = (time - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
    return int(seconds) if seconds.is_integer() else seconds


def write_value(value: float) -> float | str:
    """Return a number in one of the forms that the API may send: int, float or string."""
    if float(value).is_integer():
        return [int(value), float(value), str(int(value))][int(value) % 3]
    return value if int(value * 10) % 2 else repr(value)
