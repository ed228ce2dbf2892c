"""Find organizations, projects and load tests by ID or name, and read their test runs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from k6frames.cli.messages import MAX_WORD_LENGTH, InputError, pluralize, printable
from k6frames.cli.options import Account

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.api.client import Client

MAX_NAMED = 10
"""How many of the possible names a message shows."""


def find_ids(
    frame: pd.DataFrame, wanted: Sequence[str], *, id_column: str, noun: str, command: str
) -> list[int]:
    """Return the IDs that match what the user gave: IDs, names or parts of names.

    Parameters
    ----------
    frame : pandas.DataFrame
        All candidates: the column of IDs, and the column `name`.
    wanted : sequence of str
        What the user gave. An ID comes first, then a name, then a part of one; case is ignored.
    id_column : str
        The column of IDs.
    noun : str
        What the message calls one, such as "load test".
    command : str
        The command that lists all of them.

    Raises
    ------
    InputError
        If one matches nothing, or several. The message has the closest names.
    """
    names = dict(zip(frame[id_column].tolist(), frame["name"].fillna(""), strict=True))
    return [_find_id(names, text.strip(), noun, command) for text in dict.fromkeys(wanted)]


def _find_id(names: dict[int, str], wanted: str, noun: str, command: str) -> int:
    # As strings: Python converts no number of more than 4,300 digits.
    ids = {str(identifier): identifier for identifier in names}
    if wanted in ids:
        return ids[wanted]
    folded = wanted.casefold()
    # An empty string, as from an unset shell variable, is part of every name: it matches nothing.
    named = {identifier: name.casefold() for identifier, name in names.items() if folded}
    same = [identifier for identifier, name in named.items() if name == folded]
    found = same or [identifier for identifier, name in named.items() if folded in name]
    if len(found) == 1:
        return found[0]
    shown = printable(wanted) if len(wanted) <= MAX_WORD_LENGTH else f"{wanted[:60]}..."
    if found:
        message = f"Give the ID or the full name: {shown!r} matches {pluralize(len(found), noun)}."
    else:
        message = (
            f"Give an ID or a name that `k6frames {command}` lists: no {noun} matches {shown!r}."
        )
    closest = _closest(names, found or list(names), folded[:MAX_WORD_LENGTH])
    if closest:
        message += " The closest are:"
    lines = [f"  {identifier}  {printable(names[identifier])}".rstrip() for identifier in closest]
    raise InputError("\n".join([message, *lines]))


def _closest(names: dict[int, str], candidates: list[int], wanted: str) -> list[int]:
    """Return the IDs with the most similar names; if `wanted` is a number, the most similar IDs."""
    texts: dict[str, list[int]] = {}
    for identifier in candidates:
        text = str(identifier) if wanted.isdecimal() else names[identifier].casefold()
        texts.setdefault(text, []).append(identifier)
    # With many candidates, a cutoff saves seconds: dissimilar strings are dropped early.
    cutoff = 0.0 if len(texts) <= 1000 else 0.5
    alike = difflib.get_close_matches(wanted, texts, n=MAX_NAMED, cutoff=cutoff)
    return [identifier for text in alike for identifier in texts[text]][:MAX_NAMED]


def find_organizations(organizations: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """Return the IDs of the organizations that the user gave by ID or name."""
    return find_ids(
        organizations, wanted, id_column="org_id", noun="organization", command="organizations"
    )


def find_projects(projects: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """Return the IDs of the projects of a stack that the user gave by ID or name."""
    command = "projects --stack STACK"
    return find_ids(projects, wanted, id_column="project_id", noun="project", command=command)


def find_load_tests(load_tests: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """Return the IDs of the load tests that the user gave by ID or name."""
    return find_ids(
        load_tests, wanted, id_column="load_test_id", noun="load test", command="load-tests"
    )


def select(
    frame: pd.DataFrame,
    load_tests: pd.DataFrame,
    projects: pd.DataFrame,
    *,
    load_test: Sequence[str] = (),
    project: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the rows of some load tests and projects; all rows if none are given."""
    if load_test:
        frame = frame[frame["load_test_id"].isin(find_load_tests(load_tests, load_test))]
    if project:
        frame = frame[frame["project_id"].isin(find_projects(projects, project))]
    return frame


def add_name(frame: pd.DataFrame, names: pd.DataFrame, entity: str) -> pd.DataFrame:
    """Add the name of the load test or project of each row behind its ID."""
    key = ["stack_id", f"{entity}_id"]
    renamed = names[[*key, "name"]].rename(columns={"name": f"{entity}_name"})
    named = frame.merge(renamed, on=key, how="left")
    order = list(frame.columns)
    order.insert(order.index(f"{entity}_id") + 1, f"{entity}_name")
    return named[order]


def stack_column(client: Client) -> list[str]:
    """Return the column `stack_id` if rows are of several stacks."""
    return ["stack_id"] if len(client.stacks()) > 1 else []


def read_runs(
    client: Client,
    account: Account,
    *,
    load_test: Sequence[str] = (),
    project: Sequence[str] = (),
    since: pd.Timestamp | None = None,
    until: pd.Timestamp | None = None,
    private: bool = False,
) -> pd.DataFrame:
    """Return the selected test runs, with the names of load tests and projects.

    With `private`, the frame has the e-mail addresses as well.
    """
    import pandas as pd

    from k6frames.loaders.joins import join_test_runs
    from k6frames.loaders.load_tests import load_tests_df, stack_projects_df
    from k6frames.loaders.test_runs import test_runs_df
    from k6frames.tables import TEST_RUNS

    load_tests = load_tests_df(client=client, on_error=account.on_error)
    projects = stack_projects_df(client=client, on_error=account.on_error)
    chosen = select(load_tests, load_tests, projects, load_test=load_test, project=project)
    if load_test:
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
        runs = pd.concat([empty, *parts], ignore_index=True)
    else:
        runs = test_runs_df(
            created_after=since, created_before=until, client=client, on_error=account.on_error
        )
        # A run of a deleted load test still has its project.
        runs = select(runs, load_tests, projects, project=project).reset_index(drop=True)
    details = join_test_runs(runs, load_tests, projects)
    if private:
        names = [column.name for column in TEST_RUNS.columns if column.private]
        details[names] = runs[names]
    return details
