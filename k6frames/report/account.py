"""The account that a report is about: every table that could be read, and every summary."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from k6frames.api.client import Client, OnError
from k6frames.api.folder import Manifest, read_manifest
from k6frames.api.settings import SAMPLE_URL
from k6frames.dataset.changes import open_snapshot, snapshot_changes
from k6frames.errors import APIError, ConfigError
from k6frames.loaders import load_tests, metrics, organizations, test_runs
from k6frames.loaders.joins import join_projects, join_test_runs
from k6frames.loaders.schedules import schedules_df
from k6frames.loaders.snapshot import frequent_load_tests, read_failures, snapshot
from k6frames.summaries import metrics as metric_summaries
from k6frames.summaries import projects, results, schedules, usage
from k6frames.tables import METRIC_VALUES, ORGANIZATIONS_PUBLIC, SCHEDULES

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
    missing : list of str
        What could not be read, and why.
    since : str, optional
        The day of the snapshot with which the account is compared, or its folder's name.
    """

    name: str
    source: str
    as_of: pd.Timestamp
    tables: dict[str, pd.DataFrame]
    stack_urls: dict[int, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    since: str | None = None

    @property
    def has_projects(self) -> bool:
        """Whether organizations and their projects (v3) could be read."""
        return "organization_projects" in self.tables

    @property
    def has_test_runs(self) -> bool:
        """Whether the test runs of a Grafana stack (v6) could be read."""
        return "test_run_details" in self.tables


def read_account(
    client: Client, folder: Path, *, on_error: OnError, since: Path | None = None
) -> Account:
    """Write a snapshot of an account, read it, and compute its summaries.

    A snapshot has no private fields: nothing private can get into a file from here.

    Parameters
    ----------
    client : Client
        Which account.
    folder : pathlib.Path
        Where to write the snapshot.
    on_error : {"raise", "warn"}
        What to do if an organization or a stack cannot be read; with "warn" the report names it.
    since : pathlib.Path, optional
        An earlier snapshot, with which it is compared.
    """
    if since is not None:
        open_snapshot(since)  # before all that takes long
    with warnings.catch_warnings():
        # The report names what was left out.
        warnings.simplefilter("ignore")
        snapshot(folder, client, on_error=on_error, with_metrics=True)
        account = Client(api_url=folder.as_uri())
        stacks = _read_stacks(account)
        listed = _read_organizations(account)
    as_of = pd.Timestamp(account.as_of)
    tables = stacks | listed
    if listed:
        details = stacks.get("test_run_details")
        tables |= _project_summaries(listed["organization_projects"], details, as_of)
    if stacks:
        tables |= _run_summaries(stacks, as_of)
    if since is not None:
        tables["changes"] = snapshot_changes(since, folder)
    manifest = read_manifest(folder)
    return Account(
        name=_account_name(listed, manifest),
        source=_describe_source(client),
        as_of=as_of,
        tables=tables,
        stack_urls={stack_id: url for stack_id, url in manifest.stacks if url},
        missing=_find_missing(client, folder),
        since=None if since is None else _describe_day(since),
    )


def _find_missing(client: Client, folder: Path) -> list[str]:
    """Return why parts of the account are not in its snapshot."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for entry in read_failures(folder):
        # All lists of a forbidden stack fail for the same reason.
        without_path = re.sub(r"/\S+", "", entry["reason"])
        reasons[without_path].append(entry["reason"])
    missing = [
        f"{same[0]} The same for {len(same) - 1} more." if len(same) > 1 else same[0]
        for same in reasons.values()
    ]
    if not read_manifest(folder).stacks:
        try:
            client.stacks()
        except ConfigError as error:
            missing.append(str(error))
    return missing


def _read_organizations(account: Client) -> dict[str, pd.DataFrame]:
    """Return organizations and projects; nothing if they could not be read."""
    try:
        listed = organizations.organizations_df(client=account)
    except APIError:
        return {}
    found = organizations.projects_df(client=account, on_error="warn")
    return {
        "organizations": ORGANIZATIONS_PUBLIC.conform(listed),
        "projects": found,
        "organization_projects": join_projects(listed, found),
    }


def _read_stacks(account: Client) -> dict[str, pd.DataFrame]:
    """Return what is in the stacks; nothing if the test runs of none of them could be read."""
    try:
        stacks = account.stacks()
    except ConfigError:
        return {}
    runs = test_runs.test_runs_df(client=account, on_error="warn")
    if len(runs.attrs.get("failed", [])) == len(stacks):
        return {}
    tests = load_tests.load_tests_df(client=account, on_error="warn")
    stack_projects = load_tests.stack_projects_df(client=account, on_error="warn")
    return {
        "stack_projects": stack_projects,
        "project_labels": load_tests.project_labels_df(client=account, on_error="warn"),
        "load_tests": tests,
        "test_run_details": join_test_runs(runs, tests, stack_projects),
        "schedules": SCHEDULES.public("schedules").conform(
            schedules_df(client=account, on_error="warn")
        ),
        "project_limits": load_tests.project_limits_df(client=account, on_error="warn"),
        "load_zones": load_tests.load_zones_df(client=account, on_error="warn"),
        "metric_values": _read_metrics(account, runs),
    }


def _read_metrics(account: Client, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the p95 of the load tests that the snapshot has metrics of."""
    frames = [METRIC_VALUES.to_frame(METRIC_VALUES.arrow_schema.empty_table())]
    for stack_id, load_test_ids in frequent_load_tests(runs, account.as_of).items():
        frames.append(
            metrics.metric_values_df(load_test_ids, stack=stack_id, client=account, on_error="warn")
        )
    values = pd.concat(frames).drop_duplicates(list(METRIC_VALUES.key))
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


def _account_name(listed: dict[str, pd.DataFrame], manifest: Manifest) -> str:
    """Return the names of the organizations, or of the stacks."""
    names = listed["organizations"]["name"].dropna().tolist() if listed else []
    names = names or [
        url.removeprefix("https://") if url else f"Stack {stack_id}"
        for stack_id, url in manifest.stacks
    ]
    if not names:
        return "Grafana Cloud k6 account"
    shown = ", ".join(names[:MAX_NAMES])
    more = len(names) - MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _describe_source(client: Client) -> str:
    if client.api_url == SAMPLE_URL:
        return "the sample account"
    if client.folder is None:
        return f"the account at {client.api_url}"
    api_url = read_manifest(client.folder).api_url
    return f"a snapshot of the account at {api_url}" if api_url else "a folder of responses"


def _describe_day(snapshot_folder: Path) -> str:
    as_of = read_manifest(snapshot_folder).as_of
    return f"{as_of:%Y-%m-%d}" if as_of else snapshot_folder.name
