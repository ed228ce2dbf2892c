"""The account that a report is about: every table that could be read, and every summary."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from k6frames.api.client import Client, OnError
from k6frames.api.settings import SAMPLE_URL
from k6frames.errors import APIError, ConfigError
from k6frames.loaders import load_tests, metrics, organizations, test_runs
from k6frames.loaders.joins import join_projects, join_test_runs
from k6frames.summaries import metrics as metric_summaries
from k6frames.summaries import projects, results, schedules, usage
from k6frames.tables import METRIC_VALUES, ORGANIZATIONS_PUBLIC, SCHEDULES

MAX_TREND_TESTS = 50
"""The metrics of so many load tests are compared, those that ran last."""
MAX_NAMES = 3
"""How many organizations the title names."""


@dataclass(frozen=True)
class Account:
    """What a report shows.

    Parameters
    ----------
    name : str
        What the account is called in the title.
    source : str
        Where the data comes from, for the line below the title.
    as_of : pandas.Timestamp
        The "now" of the account.
    tables : dict of str to pandas.DataFrame
        Frames and summaries by the name of their table, without private columns.
    stack_urls : dict of int to str
        The address of each stack that is known.
    failed : list of dict
        What could not be read; see ``frame.attrs["failed"]``.
    missing : list of str
        Which parts are missing altogether, and why.
    """

    name: str
    source: str
    as_of: pd.Timestamp
    tables: dict[str, pd.DataFrame]
    stack_urls: dict[int, str] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def has_projects(self) -> bool:
        """Whether organizations and their projects (v3) could be read."""
        return "organization_projects" in self.tables

    @property
    def has_test_runs(self) -> bool:
        """Whether a Grafana stack (v6) could be read."""
        return "test_run_details" in self.tables


def read_account(client: Client, *, on_error: OnError) -> Account:
    """Read an account and compute its summaries.

    Only frames are in the account, and private columns are dropped from them: nothing private can
    get into a file from here.

    Parameters
    ----------
    client : Client
        Which account.
    on_error : {"raise", "warn"}
        What to do if an organization or a stack cannot be read; with "warn" the report names it.
    """
    as_of = pd.Timestamp(client.as_of)
    missing: list[str] = []
    tables: dict[str, pd.DataFrame] = {}
    runs = _read_part(lambda: _read_stacks(client, on_error), missing)
    listed = _read_part(lambda: _read_organizations(client, on_error), missing)
    if not runs and not listed:
        raise ConfigError("\n".join(["The account cannot be read.", *missing]))
    if listed:
        details = runs["test_run_details"] if runs else None
        tables |= listed | _project_summaries(listed["organization_projects"], details, as_of)
    if runs:
        tables |= runs | _run_summaries(runs, as_of)
    urls = {s.id: s.url for s in client.stacks() if s.url} if runs else {}
    source = "a folder of responses" if client.folder else f"the account at {client.api_url}"
    return Account(
        name=_account_name(listed, urls, client.api_url),
        source="the sample account" if client.api_url == SAMPLE_URL else source,
        as_of=as_of,
        tables=tables,
        stack_urls=urls,
        failed=_failed(tables),
        missing=missing,
    )


def _failed(tables: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return what could not be read, each request once."""
    entries = [entry for frame in tables.values() for entry in frame.attrs.get("failed", [])]
    return list({entry["path"]: entry for entry in entries}.values())


def _read_part(
    read: Callable[[], dict[str, pd.DataFrame]], missing: list[str]
) -> dict[str, pd.DataFrame]:
    """Return the frames of one part, or none and a sentence that says why."""
    try:
        return read()
    except (APIError, ConfigError) as error:
        missing.append(str(error))
        return {}


def _read_organizations(client: Client, on_error: OnError) -> dict[str, pd.DataFrame]:
    listed = organizations.organizations_df(client=client)
    found = organizations.projects_df(client=client, on_error=on_error)
    return {
        "organizations": ORGANIZATIONS_PUBLIC.conform(listed),
        "projects": found,
        "organization_projects": join_projects(listed, found),
    }


def _read_stacks(client: Client, on_error: OnError) -> dict[str, pd.DataFrame]:
    tests = load_tests.load_tests_df(client=client, on_error=on_error)
    stack_projects = load_tests.stack_projects_df(client=client, on_error=on_error)
    runs = test_runs.test_runs_df(client=client, on_error=on_error)
    details = join_test_runs(runs, tests, stack_projects)
    return {
        "stack_projects": stack_projects,
        "project_labels": load_tests.project_labels_df(client=client, on_error=on_error),
        "load_tests": tests,
        "test_run_details": details,
        "schedules": SCHEDULES.public("schedules").conform(
            load_tests.schedules_df(client=client, on_error=on_error)
        ),
        "project_limits": load_tests.project_limits_df(client=client, on_error=on_error),
        "load_zones": load_tests.load_zones_df(client=client, on_error=on_error),
        "metric_values": _read_metrics(client, details),
    }


def _read_metrics(client: Client, details: pd.DataFrame) -> pd.DataFrame:
    """Return the p95 of the load tests that ran last, as far as the API has it."""
    newest = details.groupby(["stack_id", "load_test_id"])["created"].max().sort_values()
    frames = [METRIC_VALUES.to_frame(METRIC_VALUES.arrow_schema.empty_table())]
    for stack_id in newest.index.unique("stack_id"):
        ids = newest.loc[stack_id].index[::-1][:MAX_TREND_TESTS]
        with warnings.catch_warnings():
            # Load tests without metrics are left out: their data has expired.
            warnings.simplefilter("ignore")
            frames.append(
                metrics.metric_values_df(
                    list(ids), stack=int(stack_id), client=client, on_error="warn"
                )
            )
    values = pd.concat(frames).drop_duplicates(list(METRIC_VALUES.key))
    values.attrs = {}
    return METRIC_VALUES.conform(values)


def _project_summaries(
    joined: pd.DataFrame, test_runs: pd.DataFrame | None, as_of: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    timeline = projects.creation_timeline(joined, until=as_of)
    return {
        "account_summary": projects.account_summary(joined, as_of=as_of),
        "projects_per_organization": projects.projects_per_organization(joined),
        "creation_timeline": timeline,
        "creation_timeline_by_organization": _timeline_by_organization(joined, as_of),
        "idle_projects": projects.idle_projects(joined, as_of=as_of, test_runs=test_runs),
        "shared_names": projects.shared_names(joined),
    }


def _timeline_by_organization(joined: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the timeline of each organization, by year if months would be too many rows."""
    try:
        return projects.creation_timeline(joined, by="org_id", until=as_of)
    except ConfigError:
        return projects.creation_timeline(joined, by="org_id", until=as_of, freq="YS")


def _run_summaries(tables: dict[str, pd.DataFrame], as_of: pd.Timestamp) -> dict[str, pd.DataFrame]:
    details, limits = tables["test_run_details"], tables["project_limits"]
    summaries = {
        "usage": usage.usage(details, by=None, until=as_of),
        "usage_by_project": usage.usage(details, until=as_of),
        "usage_by_load_test": usage.usage(details, by="load_test_id", until=as_of),
        "vuh_budget": usage.vuh_budget(
            details, limits, as_of=as_of, stack_projects=tables["stack_projects"]
        ),
        "test_results": results.test_results(details, as_of=as_of),
        "results_timeline": results.results_timeline(details, until=as_of),
        "flaky_tests": results.flaky_tests(details),
        "idle_load_tests": results.idle_load_tests(tables["load_tests"], details, as_of=as_of),
        "scheduled_runs": schedules.scheduled_runs(tables["schedules"], tables["load_tests"]),
        "metric_changes": metric_summaries.metric_changes(tables["metric_values"], details),
    }
    if "team" in set(tables["project_labels"]["key"]):
        summaries["usage_by_label"] = usage.usage(
            details, by="team", until=as_of, project_labels=tables["project_labels"]
        )
    return summaries


def _account_name(listed: dict[str, pd.DataFrame], stack_urls: dict[int, str], api_url: str) -> str:
    """Return the names of the organizations, or of the stacks, or the address."""
    names = listed["organizations"]["name"].dropna().tolist() if listed else []
    names = names or [url.removeprefix("https://") for url in stack_urls.values()]
    if not names:
        return api_url.removeprefix("https://")
    shown = ", ".join(names[:MAX_NAMES])
    more = len(names) - MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
