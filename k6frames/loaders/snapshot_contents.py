"""Read what a snapshot of an account contains: responses of the API, without private data."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from k6frames import parsing
from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.list_page import MalformedPageError
from k6frames.api.on_error import OnError, suggest_on_error
from k6frames.api.paging import ListReader, PagedList, read_lists
from k6frames.api.stack_arguments import NoStackError, StackArgument
from k6frames.api.stacks import Stack
from k6frames.api.time_windows import TimeWindows
from k6frames.errors import APIError, ConfigError
from k6frames.loaders.metric_queries import UNKNOWN_METRIC_STATUSES, frequent_load_tests
from k6frames.loaders.metric_responses import public_values
from k6frames.loaders.metrics import DEFAULT_LAST_RUNS
from k6frames.loaders.organizations import UNAVAILABLE_STATUSES, organization_label
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

_LABELS = Column("labels", parsing.STRING_MAP, doc="labels", source="labels")
_PROJECTS_WITH_LABELS = replace(STACK_PROJECTS, columns=(*STACK_PROJECTS.columns, _LABELS))
_STACK_LISTS = {
    endpoints.STACK_PROJECTS: _PROJECTS_WITH_LABELS,
    endpoints.LOAD_TESTS: LOAD_TESTS,
    endpoints.TEST_RUNS: TEST_RUNS,
    endpoints.SCHEDULES: SCHEDULES,
    endpoints.PROJECT_LIMITS: PROJECT_LIMITS,
    endpoints.LOAD_ZONES: LOAD_ZONES,
}


@dataclass
class SnapshotContents:
    """The responses that have been read so far, with only their public fields."""

    client: Client
    on_error: OnError
    bodies: dict[Request, bytes] = field(default_factory=dict)
    """The response to each request; all pages of a list are in one body. Requests that differ only
    in their labels are equal."""
    failures: dict[Request, APIError] = field(default_factory=dict)
    subjects: dict[Request, Mapping[str, Any]] = field(default_factory=dict)
    """What each request is for, as in ``attrs["failed"]``."""
    oldest: datetime | None = None
    """When the oldest response was fetched; None if there is none."""

    def read_organizations(self) -> None:
        """Read the organizations and their projects (v3), if they are available."""
        list_request = Request(endpoints.ORGANIZATIONS)
        self.subjects[list_request] = {}
        # Not `self.on_error`: even with "raise", it is not an error if v3 is retired or refuses the
        # token.
        responses = self.client.fetch([list_request], on_error="warn")
        for error in responses.failures.values():
            if self.on_error == "raise" and error.status not in UNAVAILABLE_STATUSES:
                raise error
        self._add_metadata(responses)
        if not responses.bodies:
            return
        self.bodies[list_request] = parsing.public_records(
            ORGANIZATIONS, responses.bodies, field="organizations"
        )
        subjects = {}
        for record in json.loads(self.bodies[list_request])["organizations"]:
            org_id = record["id"]
            label = organization_label(org_id, record.get("name", ""))
            # A snapshot also needs a file for each organization, which `organization_df` reads. The
            # record is the same as in the list, so no request is needed.
            body = json.dumps({"organization": record}).encode()
            self.bodies[Request(endpoints.organization(org_id))] = body
            request = Request(endpoints.organization_projects(org_id), label=label)
            subjects[request] = {"org_id": org_id}
        self.subjects |= subjects
        responses = self.client.fetch(subjects, on_error=self.on_error)
        self._add_metadata(responses)
        for request, body in responses.bodies.items():
            self.bodies[request] = parsing.public_records(
                PROJECTS, {request: body}, field="projects"
            )

    def find_stacks(self, stack: StackArgument) -> tuple[Stack, ...]:
        """Return the stacks to read, which may be none if organizations have been read."""
        try:
            stacks = self.client.resolve_stacks(stack, on_error=self.on_error)
        except NoStackError as error:
            if not self.bodies:
                reasons = [*map(str, self.failures.values()), str(error)]
                raise ConfigError("\n".join(reasons)) from None
            return ()
        self.failures |= stacks.failures
        # These requests are for the IDs of stacks, so `request.stack` is the URL of a stack.
        self.subjects |= {request: {"stack_url": request.stack} for request in stacks.failures}
        return stacks.found

    def read_stacks(self, stacks: Iterable[Stack]) -> None:
        """Read all lists of stacks (v6) concurrently."""
        subjects = {
            Request(path, stack.id, label=f"stack {stack.url or stack.id}"): {"stack_id": stack.id}
            for stack in stacks
            for path in _STACK_LISTS
        }
        self.subjects |= subjects
        # The list of load zones has no pages.
        zones = [request for request in subjects if request.path == endpoints.LOAD_ZONES]
        readers: list[ListReader] = [
            TimeWindows(request) if request.path == endpoints.TEST_RUNS else PagedList(request)
            for request in subjects
            if request not in zones
        ]
        try:
            lists = read_lists(self.client, readers, on_error=self.on_error)
        except MalformedPageError as error:
            # Parse the page again, because the parser's error names the record and the field. If
            # the parser finds no error, raise this one.
            parsing.read(_STACK_LISTS[_list_path(error.request)], {error.request: error.body})
            raise
        pages: dict[Request, dict[Request, bytes]] = defaultdict(dict)
        for responses in (lists, self.client.fetch(zones, on_error=self.on_error)):
            self._add_metadata(responses)
            for page_request, body in responses.bodies.items():
                list_request = Request(_list_path(page_request), page_request.stack)
                pages[list_request][page_request] = body
        for list_request, bodies in pages.items():
            self.bodies[list_request] = parsing.public_records(
                _STACK_LISTS[list_request.path], bodies, drop_duplicates=True
            )

    def read_metrics(self) -> None:
        """Read the response times of load tests that run often.

        The query is that of `metric_values_df` with its default arguments.
        """
        run_lists = {r: body for r, body in self.bodies.items() if r.path == endpoints.TEST_RUNS}
        stack_ids = [request.stack for request in run_lists]
        table = TEST_RUNS.select("load_test_id", "created")
        runs = parsing.read(table, run_lists, constants={"stack_id": stack_ids}).to_pandas()
        subjects = {}
        for stack_id, load_test_ids in frequent_load_tests(runs, self.client.as_of).items():
            for load_test_id in load_test_ids:
                path = endpoints.metric_values(
                    load_test_id,
                    query="histogram_quantile(0.95)",
                    metric="http_req_duration",
                    test_run_count=DEFAULT_LAST_RUNS,
                )
                subject = {"stack_id": stack_id, "load_test_id": load_test_id}
                subjects[Request(path, stack_id)] = subject
        self.subjects |= subjects
        responses = self.client.fetch(subjects, on_error="warn")
        # Missing metrics are not a failure: they may have expired, or no HTTP request was sent.
        failures = {
            request: error
            for request, error in responses.failures.items()
            if error.status not in UNKNOWN_METRIC_STATUSES
        }
        if failures and self.on_error == "raise":
            raise suggest_on_error(next(iter(failures.values())), several=True)
        self._add_metadata(responses._replace(failures=failures))
        for request, body in responses.bodies.items():
            self.bodies[request] = public_values(request, body)

    def _add_metadata(self, responses: Responses) -> None:
        """Add the failures, and update the time at which the oldest response was fetched."""
        self.failures |= responses.failures
        times = [time for time in (self.oldest, responses.oldest) if time is not None]
        self.oldest = min(times, default=None)


def _list_path(page_request: Request) -> str:
    """Return the path of the list that a page belongs to: the path without its query."""
    return page_request.path.partition("?")[0]
