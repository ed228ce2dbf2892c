"""Snapshots: an account as a folder of responses, without private data."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from k6frames import parsing
from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.folder import response_file
from k6frames.api.list_page import MalformedPageError
from k6frames.api.manifest import MANIFEST, read_manifest
from k6frames.api.on_error import OnError, check_on_error
from k6frames.api.paging import ListReader, PagedList, read_lists
from k6frames.api.stack_arguments import StackArgument
from k6frames.api.stacks import Stack
from k6frames.api.time_windows import TimeWindows
from k6frames.errors import APIError, ConfigError
from k6frames.loaders.attrs import with_attrs
from k6frames.loaders.metric_responses import public_values
from k6frames.loaders.metrics import DEFAULT_LAST
from k6frames.loaders.snapshot_folder import WRITTEN_BY, find_target, write_folder
from k6frames.tables import (
    LOAD_TESTS,
    LOAD_ZONES,
    ORGANIZATIONS,
    PROJECT_LIMITS,
    PROJECTS,
    SCHEDULES,
    STACK_PROJECTS,
    TEST_RUNS,
)
from k6frames.tables.schema import Column

UNAVAILABLE = frozenset({401, 403, 404, 410})
"""Statuses of v3 where it is retired or closed to the token; then only v6 is read."""

METRIC_DAYS = 90
MIN_METRIC_RUNS = 10
"""Metrics take a request per load test: only those with this many recent runs are read."""

_LABELED_PROJECTS = replace(
    STACK_PROJECTS,
    columns=(*STACK_PROJECTS.columns, Column("labels", parsing.STRING_MAP, "labels", "labels")),
)
_STACK_LISTS = {
    endpoints.STACK_PROJECTS: _LABELED_PROJECTS,
    endpoints.LOAD_TESTS: LOAD_TESTS,
    endpoints.TEST_RUNS: TEST_RUNS,
    endpoints.SCHEDULES: SCHEDULES,
    endpoints.PROJECT_LIMITS: PROJECT_LIMITS,
    endpoints.LOAD_ZONES: LOAD_ZONES,
}


def snapshot(
    folder: str | os.PathLike[str],
    client: Client | None = None,
    *,
    stack: StackArgument = None,
    on_error: OnError = "raise",
    with_metrics: bool = False,
) -> Path:
    """Write an account to a folder, which ``Client(api_url="file:...")`` reads.

    The folder has the responses as files. Private fields (billing data, e-mail addresses) and
    fields that no table declares are left out of them. Where organizations and their projects (v3)
    are not available, it has the stacks only; where no stack is known, the organizations only.

    Parameters
    ----------
    folder : str or path-like
        The folder: a new one, an empty one, or a snapshot, which is replaced. It is written
        completely or not at all. Only the user can read it.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    on_error : {"raise", "warn"}, default "raise"
        What to do if an organization or a list cannot be read. With "warn" it is left out, a
        warning names it, and ``account.json`` lists it. A malformed response is always an error.
    with_metrics : bool, default False
        Whether to include the 95th percentile of the response time of the load tests that have ten
        runs or more in the last 90 days, as far as the API has it.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ConfigError
        If the folder has something else in it, or neither a token nor a stack is found.
    APIError
        If the API gives no usable response.
    SchemaError
        If a response does not match its table.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> import k6frames
    >>> folder = k6frames.snapshot("june", k6frames.Client.sample())
    >>> account = k6frames.Client(api_url=folder.as_uri())
    >>> len(k6frames.test_runs_df(client=account)), account.as_of.date().isoformat()
    (3074, '2026-06-29')
    """
    client = client_or_default(client)
    check_on_error(on_error)
    target = find_target(folder)
    account = _Account(client, on_error)
    account.read_organizations()
    stacks = account.find_stacks(stack)
    account.read_stacks(stacks)
    if not account.records:
        raise next(iter(account.failures.values()))
    if with_metrics:
        account.read_metrics()
    write_folder(target, account.files(stacks), account.oldest or datetime.now(UTC))
    return target


def read_failures(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return what could not be read when a snapshot was made, as ``attrs["failed"]`` lists it."""
    content = json.loads(Path(folder, MANIFEST).read_bytes())
    return list(content.get("failed", []))


@dataclass
class _Account:
    """The responses of an account that have been read so far."""

    client: Client
    on_error: OnError
    records: dict[Request, bytes] = field(default_factory=dict)
    """The public part of the response to each request, all pages of a list in one."""
    failures: dict[Request, APIError] = field(default_factory=dict)
    subjects: dict[Request, Mapping[str, Any]] = field(default_factory=dict)
    """What each request is for, as in ``attrs["failed"]``."""
    oldest: datetime | None = None

    def read_organizations(self) -> None:
        """Read the organizations and their projects (v3), if they are available."""
        listing = Request(endpoints.ORGANIZATIONS)
        self.subjects[listing] = {}
        responses = self.client.fetch([listing], on_error="warn")
        for error in responses.failures.values():
            if self.on_error == "raise" and error.status not in UNAVAILABLE:
                raise error
        self._receive(responses)
        if not responses.bodies:
            return
        self.records[listing] = parsing.public_records(
            ORGANIZATIONS, responses.bodies, field="organizations"
        )
        requests = {}
        for record in json.loads(self.records[listing])["organizations"]:
            org_id, name = record["id"], record.get("name")
            single = json.dumps({"organization": record}).encode()
            self.records[Request(endpoints.organization(org_id))] = single
            label = f"organization {org_id} ({name})" if name else f"organization {org_id}"
            requests[Request(endpoints.organization_projects(org_id), label=label)] = {
                "org_id": org_id
            }
        self.subjects |= requests
        responses = self.client.fetch(requests, on_error=self.on_error)
        self._receive(responses)
        for request, body in responses.bodies.items():
            self.records[request] = parsing.public_records(
                PROJECTS, {request: body}, field="projects"
            )

    def find_stacks(self, stack: StackArgument) -> tuple[Stack, ...]:
        """Return the stacks to read; none if none is known and there are organizations."""
        try:
            stacks = self.client.resolve_stacks(stack, on_error=self.on_error)
        except ConfigError as error:
            if stack is not None:
                raise
            if not self.records:
                reasons = [*map(str, self.failures.values()), str(error)]
                raise ConfigError("\n".join(reasons)) from None
            return ()
        self.failures |= stacks.failures
        self.subjects |= {request: {"stack_url": request.stack} for request in stacks.failures}
        return stacks.found

    def read_stacks(self, stacks: Iterable[Stack]) -> None:
        """Read all lists of stacks (v6) concurrently."""
        requests = {
            Request(path, stack.id, label=f"stack {stack.url or stack.id}"): {"stack_id": stack.id}
            for stack in stacks
            for path in _STACK_LISTS
        }
        self.subjects |= requests
        zones = [request for request in requests if request.path == endpoints.LOAD_ZONES]
        readers: list[ListReader] = [
            TimeWindows(request) if request.path == endpoints.TEST_RUNS else PagedList(request)
            for request in requests
            if request not in zones
        ]
        try:
            lists = read_lists(self.client, readers, on_error=self.on_error)
        except MalformedPageError as error:
            # The parser names the record and the field.
            parsing.read(_STACK_LISTS[_list_path(error.request)], {error.request: error.body})
            raise
        pages: dict[Request, dict[Request, bytes]] = defaultdict(dict)
        for responses in (lists, self.client.fetch(zones, on_error=self.on_error)):
            self._receive(responses)
            for page, body in responses.bodies.items():
                pages[Request(_list_path(page), page.stack)][page] = body
        for request, bodies in pages.items():
            self.records[request] = parsing.public_records(
                _STACK_LISTS[request.path], bodies, drop_duplicates=True
            )

    def read_metrics(self) -> None:
        """Read the response times of load tests that run often; those without any are left out."""
        bodies = {r: body for r, body in self.records.items() if r.path == endpoints.TEST_RUNS}
        stack_ids = [request.stack for request in bodies]
        table = TEST_RUNS.select("load_test_id", "created")
        runs = parsing.read(table, bodies, constants={"stack_id": stack_ids}).to_pandas()
        requests = {
            Request(
                endpoints.metric_values(
                    load_test_id,
                    query="histogram_quantile(0.95)",
                    metric="http_req_duration",
                    test_run_count=DEFAULT_LAST,
                ),
                stack_id,
                label=f"load test {load_test_id}",
            ): {"stack_id": stack_id, "load_test_id": load_test_id}
            for stack_id, load_test_ids in frequent_load_tests(runs, self.client.as_of).items()
            for load_test_id in load_test_ids
        }
        # Their data may have expired, or they may not send HTTP requests: that is not a failure.
        responses = self.client.fetch(requests, on_error="warn")
        self._receive(responses._replace(failures={}))
        for request, body in responses.bodies.items():
            self.records[request] = public_values(request, body)

    def files(self, stacks: Iterable[Stack]) -> dict[PurePath, bytes]:
        """Return the files of the snapshot by their path in it."""
        known = read_manifest(self.client.folder) if self.client.folder else None
        as_of = (known and known.as_of) or self.oldest or datetime.now(UTC)
        manifest: dict[str, Any] = {
            "as_of": as_of.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "api_url": (known and known.api_url) or self.client.api_url,
            "stacks": [{"id": stack.id, "url": stack.url} for stack in stacks],
            WRITTEN_BY: f"k6frames {version('k6frames')}",
        }
        if self.failures:
            manifest["failed"] = self._failed()
        files: dict[PurePath, bytes] = {
            response_file(request.path, request.stack): body
            for request, body in self.records.items()
        }
        files[PurePath(MANIFEST)] = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
        return files

    def _failed(self) -> list[dict[str, Any]]:
        if self.on_error == "raise":  # organizations that are not available
            return [
                {**self.subjects[request], "path": str(request), "reason": str(error)}
                for request, error in self.failures.items()
            ]
        responses = Responses({}, self.failures, self.oldest)
        failed: list[dict[str, Any]] = with_attrs(pd.DataFrame(), responses, self.subjects).attrs[
            "failed"
        ]
        return failed

    def _receive(self, responses: Responses) -> None:
        self.failures |= responses.failures
        times = [time for time in (self.oldest, responses.oldest) if time is not None]
        self.oldest = min(times, default=None)


def frequent_load_tests(test_runs: pd.DataFrame, as_of: datetime) -> dict[int, list[int]]:
    """Return the load tests that have run often recently, by stack."""
    recent = test_runs[test_runs["created"] > as_of - timedelta(days=METRIC_DAYS)]
    counts = recent.groupby(["stack_id", "load_test_id"]).size()
    found: dict[int, list[int]] = defaultdict(list)
    for stack_id, load_test_id in counts.index[counts >= MIN_METRIC_RUNS]:
        found[int(stack_id)].append(int(load_test_id))
    return found


def _list_path(page: Request) -> str:
    """Return the path of the list to which a page belongs."""
    return page.path.partition("?")[0]
