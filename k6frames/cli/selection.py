"""Find organizations, projects and load tests by ID or name, and read their test runs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from k6frames.cli.messages import MAX_WORD_LENGTH, InputError, pluralize, printable
from k6frames.cli.options import AccountOptions

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.api.client import Client

MAX_NAMED = 10
"""How many names a message lists."""


def _find_ids(
    frame: pd.DataFrame, wanted: Sequence[str], *, id_column: str, noun: str, command: str
) -> list[int]:
    """Return the IDs that the user gave, directly or by a name.

    Parameters
    ----------
    frame : pandas.DataFrame
        Everything that can be found, with a column of IDs and the column `name`.
    wanted : sequence of str
        IDs, names or parts of names, which are tried in this order, ignoring case.
    id_column : str
        The column of IDs.
    noun : str
        What messages call a row, such as "load test".
    command : str
        The command that lists everything that can be found.

    Raises
    ------
    InputError
        If a string matches nothing, or several rows. The message lists the closest names.
    """
    names = dict(zip(frame[id_column].tolist(), frame["name"].fillna(""), strict=True))
    return [_find_id(names, text.strip(), noun, command) for text in dict.fromkeys(wanted)]


def _find_id(names: dict[int, str], wanted: str, noun: str, command: str) -> int:
    # Compared as strings: Python does not convert more than 4,300 digits to an integer.
    ids = {str(identifier): identifier for identifier in names}
    if wanted in ids:
        return ids[wanted]
    matches = _match_names(names, wanted.casefold())
    if len(matches) == 1:
        return matches[0]
    shown = repr(printable(wanted))
    if matches:
        message = f"Give the ID or a unique name: {shown} matches {pluralize(len(matches), noun)}."
    else:
        message = (
            f"Give an ID or a name that `k6frames {command}` lists: no {noun} matches {shown}."
        )
    closest = _find_closest(names, matches or list(names), wanted.casefold()[:MAX_WORD_LENGTH])
    if closest:
        message += " The closest are:"
    lines = [f"  {identifier}  {printable(names[identifier])}".rstrip() for identifier in closest]
    raise InputError("\n".join([message, *lines]))


def _match_names(names: dict[int, str], wanted: str) -> list[int]:
    """Return the IDs with this name, or else those whose name contains it."""
    if not wanted:  # as from an unset shell variable: every name contains an empty string
        return []
    folded = {identifier: name.casefold() for identifier, name in names.items()}
    same = [identifier for identifier, name in folded.items() if name == wanted]
    return same or [identifier for identifier, name in folded.items() if wanted in name]


def _find_closest(names: dict[int, str], candidates: list[int], wanted: str) -> list[int]:
    """Return the IDs with the most similar names; if `wanted` is a number, the most similar IDs."""
    by_text: dict[str, list[int]] = {}
    for identifier in candidates:
        text = str(identifier) if wanted.isdecimal() else names[identifier].casefold()
        by_text.setdefault(text, []).append(identifier)
    # With many candidates, a cutoff saves seconds: dissimilar strings are dropped early.
    cutoff = 0.0 if len(by_text) <= 1000 else 0.5
    similar = difflib.get_close_matches(wanted, by_text, n=MAX_NAMED, cutoff=cutoff)
    return [identifier for text in similar for identifier in by_text[text]][:MAX_NAMED]


def find_organizations(organizations: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """Return the IDs of the organizations that the user gave by ID or name."""
    return _find_ids(
        organizations, wanted, id_column="org_id", noun="organization", command="organizations"
    )


def find_projects(projects: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """Return the IDs of the projects of stacks (v6) that the user gave by ID or name."""
    command = "projects --stack STACK"
    return _find_ids(projects, wanted, id_column="project_id", noun="project", command=command)


def find_load_tests(load_tests: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """Return the IDs of the load tests that the user gave by ID or name."""
    return _find_ids(
        load_tests, wanted, id_column="load_test_id", noun="load test", command="load-tests"
    )


def filter_by_load_test(
    frame: pd.DataFrame, load_tests: pd.DataFrame, wanted: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of the load tests in `wanted` (IDs or names); all rows if it is empty."""
    if not wanted:
        return frame
    return frame[frame["load_test_id"].isin(find_load_tests(load_tests, wanted))]


def filter_by_project(
    frame: pd.DataFrame, projects: pd.DataFrame, wanted: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of the projects in `wanted` (IDs or names); all rows if it is empty."""
    if not wanted:
        return frame
    return frame[frame["project_id"].isin(find_projects(projects, wanted))]


def add_name(frame: pd.DataFrame, names: pd.DataFrame, entity: str) -> pd.DataFrame:
    """Add a column of names after a column of IDs; `entity` is load_test or project."""
    key = ["stack_id", f"{entity}_id"]
    renamed = names[[*key, "name"]].rename(columns={"name": f"{entity}_name"})
    named = frame.merge(renamed, on=key, how="left")
    order = list(frame.columns)
    order.insert(order.index(f"{entity}_id") + 1, f"{entity}_name")
    return named[order]


def stack_columns(client: Client, account: AccountOptions) -> list[str]:
    """Return the columns that tell stacks apart: `stack_id` if there are several, else none."""
    stacks = client.resolve_stacks(on_error=account.on_error).found
    return ["stack_id"] if len(stacks) > 1 else []


def read_runs(
    client: Client,
    account: AccountOptions,
    *,
    wanted_load_tests: Sequence[str] = (),
    wanted_projects: Sequence[str] = (),
    since: pd.Timestamp | None = None,
    until: pd.Timestamp | None = None,
    private: bool = False,
) -> pd.DataFrame:
    """Return test runs with the names of their load tests and projects.

    Each of `wanted_load_tests` and `wanted_projects` is a filter only if it is not empty. With
    `private`, the frame also has the e-mail addresses.
    """
    import pandas as pd

    from k6frames.loaders.joins import join_test_runs
    from k6frames.loaders.load_tests import load_tests_df, stack_projects_df
    from k6frames.loaders.test_runs import test_runs_df
    from k6frames.tables import TEST_RUNS

    load_tests = load_tests_df(client=client, on_error=account.on_error)
    projects = stack_projects_df(client=client, on_error=account.on_error)
    if wanted_load_tests:
        ids = find_load_tests(load_tests, wanted_load_tests)
        chosen = load_tests[load_tests["load_test_id"].isin(ids)]
        chosen = filter_by_project(chosen, projects, wanted_projects)
        parts = [
            test_runs_df(
                load_test_ids=group["load_test_id"].tolist(),
                created_after=since,
                created_before=until,
                stack=int(stack_id),  # type: ignore[arg-type]
                client=client,
                on_error=account.on_error,
            )
            for stack_id, group in chosen.groupby("stack_id")
        ]
        empty = TEST_RUNS.to_frame(TEST_RUNS.arrow_schema.empty_table())
        runs = pd.concat([empty, *parts], ignore_index=True)  # `parts` may be empty
    else:
        runs = test_runs_df(
            created_after=since, created_before=until, client=client, on_error=account.on_error
        )
        # A run also has a project ID. The project's load tests may lack that of the run, which may
        # have been deleted.
        runs = filter_by_project(runs, projects, wanted_projects).reset_index(drop=True)
    details = join_test_runs(runs, load_tests, projects)  # in the same order, with the same index
    if private:
        names = [column.name for column in TEST_RUNS.columns if column.private]
        details[names] = runs[names]
    return details
