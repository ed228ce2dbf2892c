"""Every path that k6frames requests from the API, and the headers that name a stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from k6frames.errors import ConfigError
from k6frames.validation import short_repr

ORGANIZATIONS = "/v3/organizations"
AUTH = "/cloud/v6/auth"
STACK_PROJECTS = "/cloud/v6/projects"
LOAD_TESTS = "/cloud/v6/load_tests"
TEST_RUNS = "/cloud/v6/test_runs"
SCHEDULES = "/cloud/v6/schedules"
PROJECT_LIMITS = "/cloud/v6/project-limits"
LOAD_ZONES = "/cloud/v6/load_zones"

STACK_ID_HEADER = "X-Stack-Id"
STACK_URL_HEADER = "X-Stack-Url"


@dataclass(frozen=True)
class Request:
    """One GET request to the API.

    Parameters
    ----------
    path : str
        The path, with its query.
    stack : int or str, optional
        The ID of the Grafana stack, or its URL (which only ``/cloud/v6/auth`` takes).
    label : str
        What is requested, for error messages, such as "organization 5 (My team)".
    """

    path: str
    stack: int | str | None = None
    label: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise ConfigError(
                f"A path must be a string, like {ORGANIZATIONS}, not {short_repr(self.path)}."
            )

    def __str__(self) -> str:
        return self.path if self.stack is None else f"{self.path} (stack {self.stack})"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that name the stack."""
        if self.stack is None:
            return {}
        header = STACK_ID_HEADER if isinstance(self.stack, int) else STACK_URL_HEADER
        return {header: str(self.stack)}


def organization(org_id: int) -> str:
    """Return the path of one organization."""
    return f"{ORGANIZATIONS}/{org_id}"


def organization_projects(org_id: int) -> str:
    """Return the path of an organization's projects."""
    return f"{ORGANIZATIONS}/{org_id}/projects"


def load_test_runs(load_test_id: int) -> str:
    """Return the path of a load test's runs."""
    return f"{LOAD_TESTS}/{load_test_id}/test_runs"


def load_test_metrics(load_test_id: int, test_run_ids: list[int] | None = None) -> str:
    """Return the path of the metrics of a load test, or of some of its runs."""
    path = f"/cloud/v5/load_tests/{load_test_id}/metrics"
    return path if test_run_ids is None else path + _arguments(test_run_ids=test_run_ids)


def test_run_metrics(test_run_id: int) -> str:
    """Return the path of the metrics of a test run."""
    return f"/cloud/v5/test_runs/{test_run_id}/metrics"


def metric_values(
    load_test_id: int,
    *,
    query: str,
    metric: str,
    test_run_count: int | None = None,
    test_run_ids: list[int] | None = None,
) -> str:
    """Return the path of a query for the values of a load test: one for each series in each run.

    The runs are the newest `test_run_count` or those in `test_run_ids`.
    """
    return f"/cloud/v5/load_tests/{load_test_id}/query_aggregate_k6" + _arguments(
        query=query, metric=metric, test_run_count=test_run_count, test_run_ids=test_run_ids
    )


def metric_series(
    test_run_id: int,
    *,
    query: str,
    metric: str,
    step: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> str:
    """Return the path of a query for the series of a test run between two timestamps in UTC.

    `step` is the number of seconds from one value to the next.
    """
    return f"/cloud/v5/test_runs/{test_run_id}/query_range_k6" + _arguments(
        query=query, metric=metric, step=step, start=start, end=end
    )


# Characters of an argument that are sent as they are.
_SAFE = "()[]',:=!*~"


def _arguments(**arguments: str | int | list[int] | datetime | None) -> str:
    """Format the arguments of a v5 function, which are part of its path.

    A string is in single quotes, and a quote inside it is doubled; a timestamp has no quotes.
    """
    written = []
    for name, value in arguments.items():
        if value is None:
            continue
        if isinstance(value, str):
            text = "'" + value.replace("'", "''") + "'"
        elif isinstance(value, list):
            text = "[" + ",".join(map(str, value)) + "]"
        elif isinstance(value, datetime):
            text = value.isoformat().replace("+00:00", "Z")
        else:
            text = str(value)
        try:
            written.append(f"{name}={quote(text, safe=_SAFE)}")
        except UnicodeEncodeError:
            raise ConfigError(
                f"{name} contains a lone surrogate, which cannot be sent: {short_repr(value)}."
            ) from None
    return f"({','.join(written)})"


def authorization_scheme(path: str) -> str:
    """Return the word before the token in the Authorization header."""
    return "token" if path.startswith("/v3/") else "Bearer"


def needs_stack(path: str) -> bool:
    """Return whether a request to the path must name a stack."""
    return path.startswith("/cloud/")
