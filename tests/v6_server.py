"""A server on 127.0.0.1 that follows the official description of the v6 API, and invented accounts.

It refuses what the description does not allow: unknown parameters, ``$top`` above 1000, missing
headers, times without an offset. `V6Server.violations` lists such requests. Hooks change the
account while it is read, or the responses.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pandas as pd

from k6frames.tables import Table
from k6frames.tables.schema import STRING, TIMESTAMP

Record = dict[str, Any]

PREFIX = "/cloud/v6/"
MAX_TOP = 1000
_PAGING = {"$top", "$skip", "$count"}
_CREATED = {"created_after", "created_before"}
PARAMETERS: dict[str, set[str]] = {
    "projects": _PAGING | {"$orderby", "name", "name_search"},
    "load_tests": _PAGING | {"$orderby", "name"},
    "load_tests/{id}/test_runs": _PAGING | _CREATED | {"$orderby", "is_starred"},
    "test_runs": _PAGING | _CREATED,
    "schedules": _PAGING,
    "project-limits": _PAGING | {"project_id_in"},
    "load_zones": {"k6_load_zone_id"},
    "labels": set(),
}
"""The parameters of each list in the official description."""


@dataclass
class StackData:
    """One Grafana stack: its lists by the last part of their path, in the order of the API."""

    id: int
    url: str = ""
    lists: dict[str, list[Record]] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """A request that the server received."""

    number: int
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def stack(self) -> str | None:
        return self.headers.get("x-stack-id")


class Refusal(Exception):  # noqa: N818 - a response, not a failure of the server
    """An error response."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class V6Server:
    """The API with some stacks, on a port of 127.0.0.1.

    Attributes
    ----------
    received : list of Received
        All requests so far.
    violations : list of str
        Requests that the official description does not allow.
    wait : callable
        Called before each request is answered. It sleeps for `latency` seconds; a test may replace
        it, for example to wait until several requests have arrived.
    before : callable
        Called with each request before it is answered; it may change the account, or raise a
        `Refusal`.
    change : callable
        Called with each request and its response, an object or bytes; it returns what is sent.
    """

    def __init__(self, *stacks: StackData, token: str, latency: float = 0) -> None:
        self.stacks = {stack.id: stack for stack in stacks}
        self.token = token
        self.latency = latency
        self.wait: Callable[[], object] = lambda: time.sleep(self.latency)
        self.other_responses: dict[str, Any] = {}
        self.received: list[Received] = []
        self.violations: list[str] = []
        self.before: Callable[[Received], None] = lambda _: None
        self.change: Callable[[Received, Any], Any] = lambda _, response: response
        self.next_link_host = "http://elsewhere.invalid"
        self._lock = threading.Lock()
        self._http = _HttpServer(self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def paths(self) -> list[str]:
        return [request.path for request in self.received]

    def respond(self, target: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the response to a request."""
        parts = urlsplit(target)
        self.wait()
        with self._lock:
            query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
            request = Received(len(self.received), parts.path, query, headers)
            self.received.append(request)
            try:
                self.before(request)
                response = self.change(request, self._find(request))
            except Refusal as refusal:
                error = {"error": {"message": str(refusal), "code": "refused"}}
                return refusal.status, refusal.headers, json.dumps(error).encode()
        body = response if isinstance(response, bytes) else json.dumps(response).encode()
        return 200, {}, body

    def _find(self, request: Received) -> Any:
        if request.path in self.other_responses:
            return self.other_responses[request.path]
        if not request.path.startswith(PREFIX):
            raise Refusal(404, "There is no such version.")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, "The token is not valid.")
        if request.path == f"{PREFIX}auth":
            return self._authenticate(request)
        name = request.path.removeprefix(PREFIX)
        kind, load_test_id = name, None
        match name.split("/"):
            case ["load_tests", number, "test_runs"]:
                kind, load_test_id = "load_tests/{id}/test_runs", int(number)
        if kind not in PARAMETERS:
            raise Refusal(404, "There is no such resource.")
        unknown = set(request.query) - PARAMETERS[kind]
        if unknown:
            raise self._violation(request, f"unknown parameters {unknown}")
        stack = self._stack(request)
        if load_test_id is None:
            rows = stack.lists.get(kind, [])
        elif any(test["id"] == load_test_id for test in stack.lists["load_tests"]):
            rows = [run for run in stack.lists["test_runs"] if run["test_id"] == load_test_id]
        else:
            raise Refusal(404, "There is no such load test.")
        return self._page(request, self._filter_by_creation(request, rows))

    def _authenticate(self, request: Received) -> Record:
        if "x-stack-id" in request.headers or "x-stack-url" not in request.headers:
            raise self._violation(request, "X-Stack-Url alone is required")
        for stack in self.stacks.values():
            if stack.url == request.headers["x-stack-url"]:
                return {"stack_id": stack.id, "default_project_id": 1}
        raise Refusal(403, "The user is not a member of the stack.")

    def _stack(self, request: Received) -> StackData:
        number = request.stack or ""
        if not number.isdecimal():
            raise self._violation(request, "X-Stack-Id is required")
        if int(number) not in self.stacks:
            raise Refusal(403, "The user is not a member of the stack.")
        return self.stacks[int(number)]

    def _filter_by_creation(self, request: Received, rows: list[Record]) -> list[Record]:
        for name in _CREATED & set(request.query):
            limit = datetime.fromisoformat(request.query[name])
            if limit.tzinfo is None:
                raise self._violation(request, f"{name} has no offset")
            if name == "created_after":
                rows = [row for row in rows if parse(row["created"]) >= limit]
            else:
                rows = [row for row in rows if parse(row["created"]) < limit]
        return rows

    def _page(self, request: Received, rows: list[Record]) -> Record:
        if request.path.endswith(("/load_zones", "/labels")):
            return {"value": rows}
        query = request.query
        top, skip = int(query.get("$top", MAX_TOP)), int(query.get("$skip", 0))
        if not 1 <= top <= MAX_TOP or skip < 0:
            raise self._violation(request, f"$top {top}, $skip {skip}")
        page: Record = {"value": rows[skip : skip + top]}
        if query.get("$count") == "true":
            page["@count"] = len(rows)
        if skip + top < len(rows):
            link = f"{request.path}?%24skip={skip + top}&%24top={top}"
            page["@nextLink"] = self.next_link_host + link
        return page

    def _violation(self, request: Received, reason: str) -> Refusal:
        self.violations.append(f"{request.path} {request.query}: {reason}")
        return Refusal(400, reason)


class _HttpServer(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, api: V6Server) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    server: _HttpServer

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, sent, body = self.server.api.respond(self.path, headers)
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **sent}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


# --- accounts -----------------------------------------------------------------------------------


def parse(text: str) -> datetime:
    """Return a timestamp of the API in UTC."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def write_timestamp(timestamp: datetime, form: int) -> str:
    """Write a timestamp in one of the forms that the API mixes in one column."""
    zone = UTC if form % 5 else timezone(timedelta(hours=2))
    text = timestamp.astimezone(zone).replace(tzinfo=None).isoformat(timespec="microseconds")
    text = text.rstrip("0").rstrip(".") if form % 2 else text
    if form % 5 == 0:
        return f"{text}+02:00"
    return [f"{text}Z", f"{text}+00:00", text, f"{text.replace('T', ' ')}+00:00"][form % 4]


def make_cost(chance: random.Random) -> Any:
    """Return a cost in one of the forms that the API sends."""
    number = round(chance.expovariate(1 / 40), 2)
    vuh = chance.choice([number, f"{number}", int(number), "0E-10", "0.25", 0])
    breakdown = {"protocol_vuh": vuh, "browser_vuh": chance.choice([0, "0", 0.5])}
    reduced = {**breakdown, "base_total_vuh": f"{number + 10}", "reduction_rate": 32.5}
    return chance.choice(
        [
            None,
            {"total_vuh": vuh},
            {"total_vuh": vuh, "breakdown": None},
            {"total_vuh": vuh, "breakdown": breakdown},
            {"total_vuh": vuh, "breakdown": {**reduced, "reduction_rate_breakdown": {"volume": 9}}},
            {"total_vuh": vuh, "breakdown": {**reduced, "reduction_rate": None}},
        ]
    )


def make_runs(
    times: list[datetime], *, seed: int = 1, first_id: int = 2**53 + 1, load_tests: int = 40
) -> list[Record]:
    """Return test runs that were created at these times, with every form of every field."""
    chance = random.Random(seed)
    runs = []
    for index, created in enumerate(sorted(times)):
        test = chance.randrange(load_tests)
        status = chance.choice(["completed", "completed", "running", "aborted", "a new status"])
        ended = None if status == "running" else created + timedelta(minutes=chance.randrange(90))
        extra = chance.choice([None, {"by_user": "who@example.com", "message": None, "code": 7}])
        run = {
            "id": first_id + index,
            "test_id": first_id + test,
            "project_id": first_id + test % 7,
            "started_by": chance.choice([None, "someone@example.com"]),
            "created": write_timestamp(created, chance.randrange(20)),
            "ended": ended and write_timestamp(ended, chance.randrange(20)),
            "note": chance.choice(["", "Café 🚀", 'a "quoted", note\n']),
            "retention_expiry": chance.choice(
                [None, "", "0001-01-01T00:00:00Z", "2031-05-01T00:00:00.46Z"]
            ),
            "cost": make_cost(chance),
            "status": status,
            "status_details": {"type": status, "entered": "2026-01-01T00:00:00Z", "extra": extra},
            "status_history": [{"type": status, "entered": "2026-01-01T00:00:00Z"}],
            "result": chance.choice([None, "passed", "failed", "error", "a new result"]),
            "result_details": chance.choice(
                [None, {}, {"type": "thresholds", "message": "too slow", "code": 5}]
            ),
            "options": chance.choice([None, {"stages": [{"target": 1}]}]),
            "max_vus": chance.choice([None, 10, 100_000]),
            "max_browser_vus": chance.choice([None, 0]),
            "estimated_duration": chance.choice([None, 1800]),
            "execution_duration": chance.choice([0, 600, 599.5]),
            "is_starred": chance.random() < 0.1,
        }
        if chance.random() < 0.2:
            run[f"new_field_{chance.randrange(3)}"] = {"anything": [1, None, "x"]}
        runs.append(run)
    return runs


def spread_times(count: int, *, seed: int = 1, days: int = 700) -> list[datetime]:
    """Return creation times in a growing account, with microseconds."""
    chance = random.Random(seed)
    start, seconds = datetime(2024, 7, 1, tzinfo=UTC), days * 86_400
    return [start + timedelta(seconds=seconds * chance.random() ** 0.5) for _ in range(count)]


def make_stack(
    stack_id: int, *, runs: int = 0, rows: int = 30, seed: int = 1, days: int = 700
) -> StackData:
    """Return a stack: `runs` test runs, five load zones, and `rows` rows in every other list."""
    first, chance = 2**53 + 1, random.Random(seed)

    def created(index: int) -> str:
        return write_timestamp(
            datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=index, milliseconds=index % 7),
            chance.randrange(20),
        )

    recurrences: list[Any] = [
        None,
        {"frequency": "WEEKLY", "interval": 2, "byday": ["SA", "SU"], "until": None, "count": 3},
        {"frequency": "DAILY"},
        {"frequency": "A NEW ONE", "interval": 1, "byday": None, "until": created(1)},
    ]
    lists: dict[str, list[Record]] = {
        "projects": [
            {
                "id": first + i, "name": f"Project {i}", "is_default": i == 0,
                "grafana_folder_uid": chance.choice([None, "de0chath6zxfkb"]),
                "created": created(i), "updated": created(i + 5),
                "labels": chance.choice([{}, {"team": "A"}, {"team": "B", "tier": ""}]),
            }
            for i in range(rows)
        ],
        "load_tests": [
            {
                "id": first + i, "project_id": first + i % 7, "name": f"Test {i}",
                "k6_version": chance.choice([None, 3]), "created": created(i),
                "updated": created(i + 5), "baseline_test_run_id": None,
            }
            for i in range(rows)
        ],
        "schedules": [
            {
                "id": first + i, "load_test_id": first + i, "starts": created(i),
                "deactivated": i % 3 == 0, "next_run": chance.choice([None, created(i)]),
                "created_by": chance.choice([None, "someone@example.com"]),
                "recurrence_rule": recurrences[i % 4],
                "cron": {"schedule": "0 7 * * 1", "time_zone": "UTC"} if i % 8 == 0 else None,
            }
            for i in range(rows)
        ],
        "project-limits": [
            {
                "project_id": first + i, "vuh_max_per_month": chance.choice([None, 500]),
                "vu_max_per_test": 100, "vu_browser_max_per_test": None,
                "duration_max_per_test": 3600,
            }
            for i in range(rows)
        ],
        "load_zones": [
            {
                "id": i + 1, "name": f"Zone {i}", "k6_load_zone_id": f"amazon:us:zone{i}",
                "available": i % 2 == 0, "public": True, "custom_load_runner_image": None,
            }
            for i in range(5)
        ],
        "test_runs": make_runs(spread_times(runs, seed=seed, days=days), seed=seed),
    }  # fmt: skip
    return StackData(stack_id, f"https://stack-{stack_id}.grafana.net", lists)


def expected_frame(table: Table, *stacks: tuple[int, list[Record]]) -> pd.DataFrame:
    """Return records as a frame of a table, field by field with plain Python and pandas."""
    rows = []
    for stack_id, records in stacks:
        for record in records:
            row = {column.name: _value(record, column) for column in table.columns}
            rows.append({**row, "stack_id": stack_id})
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=dtype)
            for name, dtype in table.dtypes.items()
        }
    )


def _value(record: Record, column: Any) -> Any:
    value: Any = record
    for name in (column.source or "").split("."):
        value = None if value is None else value.get(name)
    if value is None:
        return None
    if column.type == TIMESTAMP:
        return parse(value) if value and not value.startswith("0001") else None
    if column.numeric_strings:
        return float(value)
    if column.type == STRING and isinstance(value, list):
        return ",".join(value)
    return value
