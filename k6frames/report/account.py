"""Read the account that a report shows: its tables, its summaries and what is missing."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from k6frames.api.address import SAMPLE_URL
from k6frames.api.client import Client
from k6frames.api.manifest import Manifest, read_manifest
from k6frames.api.on_error import OnError
from k6frames.api.stack_arguments import NoStackError
from k6frames.dataset.changes import open_snapshot, snapshot_changes
from k6frames.errors import APIError
from k6frames.loaders import load_tests, metrics, organizations, test_runs
from k6frames.loaders.joins import join_projects, join_test_runs
from k6frames.loaders.metric_queries import frequent_load_tests
from k6frames.loaders.schedules import schedules_df
from k6frames.loaders.snapshot import read_failures, snapshot
from k6frames.report.summaries import project_summaries, test_run_summaries
from k6frames.report.words import count, join_names
from k6frames.tables import METRIC_VALUES, ORGANIZATIONS_PUBLIC, SCHEDULES


@dataclass(frozen=True)
class Account:
    """The account that a report shows.

    Parameters
    ----------
    name : str
        Name of the account, for the title.
    source : str
        Where the data comes from, such as the API's address, for the subtitle.
    as_of : pandas.Timestamp
        The time from which summaries look back.
    tables : dict of str to pandas.DataFrame
        The tables of the account and its summaries, by their names, without private columns.
    stack_urls : dict of int to str
        The URL of each stack by its ID, if the URL is known.
    missing : list of str
        Error messages for the parts of the account that could not be read.
    since : str, optional
        The date of the earlier snapshot to compare the account with; without a date, the name of
        its folder.
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

    A snapshot has no private fields, so the report cannot have any. The loaders return the private
    columns all the same, without values, so they are dropped.

    Parameters
    ----------
    client : Client
        The account to read.
    folder : pathlib.Path
        Where to write the snapshot.
    on_error : {"raise", "warn"}
        What to do if an organization or a stack cannot be read; with "warn" the report names it.
    since : pathlib.Path, optional
        An earlier snapshot to compare the account with.
    """
    if since is not None:
        open_snapshot(since)  # If it is not a snapshot, fail before reading the account.
    with warnings.catch_warnings():
        # Warnings are not needed, because the report itself lists what was left out.
        warnings.simplefilter("ignore")
        snapshot(folder, client, on_error=on_error, with_metrics=True)
        snapshot_client = Client(api_url=folder.as_uri())
        stack_tables = _read_stacks(snapshot_client)
        organization_tables = _read_organizations(snapshot_client)
    as_of = pd.Timestamp(snapshot_client.as_of)
    tables = stack_tables | organization_tables
    if organization_tables:
        tables |= project_summaries(
            tables["organization_projects"], tables.get("test_run_details"), as_of
        )
    if stack_tables:
        tables |= test_run_summaries(tables, as_of)
    if since is not None:
        tables["changes"] = snapshot_changes(since, folder)
    manifest = read_manifest(folder)
    return Account(
        name=_account_name(organization_tables, manifest),
        source=_describe_source(client),
        as_of=as_of,
        tables=tables,
        stack_urls={stack_id: url for stack_id, url in manifest.stacks if url},
        missing=_find_missing(client, folder),
        since=None if since is None else _date_or_name(since),
    )


def _find_missing(client: Client, folder: Path) -> list[str]:
    """Return the error messages for the parts of the account that are not in its snapshot."""
    # All lists of a forbidden stack fail, with messages that differ only in the path.
    similar: dict[str, list[str]] = defaultdict(list)
    for entry in read_failures(folder):
        without_path = re.sub(r"/\S+", "", entry["reason"])
        similar[without_path].append(entry["reason"])
    missing = [
        f"{first} (Also {count(len(others), 'similar error')}.)" if others else first
        for first, *others in similar.values()
    ]
    if not read_manifest(folder).stacks:
        try:  # if no stack was given, this error says how to give one
            client.stacks()
        except NoStackError as error:
            # The later lines list ways to name a stack, for the command line and for Python.
            reason, _, ways_to_name_a_stack = str(error).partition("\n")
            missing.append(f"{reason} Name one with --stack." if ways_to_name_a_stack else reason)
        except APIError:
            pass  # `read_failures` has the reason why the ID of a stack was not found
    return missing


def _read_organizations(client: Client) -> dict[str, pd.DataFrame]:
    """Return the tables of organizations and projects, or none if they could not be read."""
    try:
        orgs = organizations.organizations_df(client=client)
    except APIError:
        return {}
    projects = organizations.projects_df(client=client, on_error="warn")
    return {
        "organizations": ORGANIZATIONS_PUBLIC.conform(orgs),
        "projects": projects,
        "organization_projects": join_projects(orgs, projects),
    }


def _read_stacks(client: Client) -> dict[str, pd.DataFrame]:
    """Return the tables of the stacks, or none if no stack's test runs could be read."""
    try:
        stacks = client.stacks()
    except NoStackError:
        return {}
    runs = test_runs.test_runs_df(client=client, on_error="warn")
    # The test runs of a stack are one list, so each failure is that of one stack.
    if len(runs.attrs.get("failed", [])) == len(stacks):
        return {}
    tests = load_tests.load_tests_df(client=client, on_error="warn")
    stack_projects = load_tests.stack_projects_df(client=client, on_error="warn")
    return {
        "stack_projects": stack_projects,
        "project_labels": load_tests.project_labels_df(client=client, on_error="warn"),
        "load_tests": tests,
        "test_run_details": join_test_runs(runs, tests, stack_projects),
        "schedules": SCHEDULES.public("schedules").conform(
            schedules_df(client=client, on_error="warn")
        ),
        "project_limits": load_tests.project_limits_df(client=client, on_error="warn"),
        "load_zones": load_tests.load_zones_df(client=client, on_error="warn"),
        "metric_values": _read_metrics(client, runs),
    }


def _read_metrics(client: Client, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the 95th percentiles of response times that the snapshot has."""
    # Begin with an empty frame, because `pd.concat` needs at least one.
    frames = [METRIC_VALUES.to_frame(METRIC_VALUES.arrow_schema.empty_table())]
    for stack_id, load_test_ids in frequent_load_tests(runs, client.as_of).items():
        frames.append(
            metrics.metric_values_df(load_test_ids, stack=stack_id, client=client, on_error="warn")
        )
    # The key of metric values has no stack ID. If two stacks list the same load test, its values
    # are duplicates.
    values = pd.concat(frames).drop_duplicates(list(METRIC_VALUES.key))
    return METRIC_VALUES.conform(values)


def _account_name(organization_tables: dict[str, pd.DataFrame], manifest: Manifest) -> str:
    """Return names of organizations; if none has a name, the hosts or IDs of the stacks."""
    names: list[str] = []
    if organization_tables:
        names = organization_tables["organizations"]["name"].dropna().tolist()
    if not names:
        names = [
            url.removeprefix("https://") if url else f"Stack {stack_id}"
            for stack_id, url in manifest.stacks
        ]
    return join_names(names) or "Grafana Cloud k6 account"


def _describe_source(client: Client) -> str:
    if client.api_url == SAMPLE_URL:
        return "the sample account"
    if client.folder is None:
        return f"the account at {client.api_url}"
    api_url = read_manifest(client.folder).api_url
    return f"a snapshot of the account at {api_url}" if api_url else "a folder of responses"


def _date_or_name(snapshot_folder: Path) -> str:
    as_of = read_manifest(snapshot_folder).as_of
    return f"{as_of:%Y-%m-%d}" if as_of else snapshot_folder.name
