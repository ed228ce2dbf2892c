"""Section about changes since an earlier snapshot."""

from __future__ import annotations

from typing import Any

import pandas as pd

from k6frames.dataset.changes import ROUTINE_COLUMNS
from k6frames.report.account import Account
from k6frames.report.elements import Preview, Section, preview
from k6frames.report.words import capitalized, cell_text, count, header, join_words, were

_SUBJECTS = {
    "stack_projects": "project",
    "projects": "project",
    "load_tests": "load test",
    "schedules": "schedule",
    "project_limits": "limit",
    "project_labels": "label",
    "load_zones": "load zone",
    "organizations": "organization",
}
_KINDS = ("added", "removed", "renamed", "changed")
PREVIEW_ROWS = 25


def changes(account: Account) -> Section:
    """Show what was added, removed, renamed or changed since a snapshot."""
    all_changes = account.tables["changes"]
    notable = _describe(all_changes[~all_changes["column"].isin(ROUTINE_COLUMNS)], account)
    if len(notable):
        answer = f"{_summarize(notable)}."
    elif len(all_changes):
        answer = "Only the times of updates and next runs have changed."
    else:
        answer = "Nothing has changed. Test runs and metrics are not compared."
    failed = len(all_changes.attrs.get("failed", []))
    if failed:
        answer += f" {count(failed, 'list')} could not be read and {were(failed)} not compared."
    return Section(
        "changes",
        f"Changes since {account.since}",
        answer,
        tables=["changes"],
        preview=_preview(notable),
    )


def _describe(changed: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Add the subject, kind, identifier and name of each change, and sort by kind and subject.

    A project that both v3 and v6 list is kept once.
    """
    is_renamed = (changed["column"] == "name").fillna(value=False)
    # "stack_id=1 project_id=2" becomes "project_id=2", as in v3. Without a name, it is shown as
    # "project 2".
    identifier = changed["key"].str.replace(r"stack_id=\d+ ", "", regex=True)
    described = changed.assign(
        subject=changed["table"].map(_SUBJECTS),
        kind=changed["change"].mask(is_renamed, "renamed"),
        identifier=identifier,
        name=changed["name"]
        .fillna(_names_of_owners(changed["key"], account))
        .fillna(identifier.str.replace("_id=", " ").str.replace(" key=", ": ")),
    )
    # The function `key` gets one column after the other, so one mapping has the kinds and tables.
    positions = {name: position for position, name in enumerate([*_KINDS, *_SUBJECTS])}
    described = described.sort_values(
        ["kind", "table"], key=lambda column: column.map(positions), kind="stable"
    )
    # Without its stack ID, a project of v6 has the same identifier as in v3.
    return described.drop_duplicates(["subject", "identifier", "change", "column"])


def _names_of_owners(keys: pd.Series[str], account: Account) -> pd.Series[str]:
    """Return names for schedules, limits and labels, which have none of their own.

    A schedule gets the name of its load test; a limit and a label get the name of their project. A
    key is, for example, ``stack_id=1 schedule_id=2`` or ``stack_id=1 project_id=2 key=team``.
    """
    names: dict[str, str] = {}
    if account.has_test_runs:
        projects, load_tests = account.tables["stack_projects"], account.tables["load_tests"]
        schedules = account.tables["schedules"].merge(load_tests, on=["stack_id", "load_test_id"])
        for frame, column in ((projects, "project_id"), (schedules, "schedule_id")):
            owner_keys = "stack_id=" + frame["stack_id"].astype("string")
            owner_keys += f" {column}=" + frame[column].astype("string")
            names |= dict(zip(owner_keys, frame["name"], strict=True))
    parts = keys.str.extract(r"(?P<owner>.*?)(?: key=(?P<label_key>.*))?$")
    suffix = (": " + parts["label_key"]).fillna("")
    return parts["owner"].map(names).astype("string") + suffix


def _summarize(described: pd.DataFrame) -> str:
    """Return a sentence that counts what was added, removed, renamed and changed."""
    parts = []
    for kind in _KINDS:
        of_kind = described[described["kind"] == kind]
        counts = of_kind.groupby("subject", sort=False)["identifier"].nunique()
        if len(counts):
            listed = join_words([count(number, str(subject)) for subject, number in counts.items()])
            parts.append(f"{listed} {were(int(counts.sum()))} {kind}")
    return "; ".join(parts)


def _preview(described: pd.DataFrame) -> Preview | None:
    shown = pd.DataFrame(
        {
            "type": described["subject"].str.capitalize(),
            "name": described["name"],
            "change": [_change_text(change) for change in described.itertuples()],
        }
    )
    return preview(shown, limit=PREVIEW_ROWS)


def _change_text(change: Any) -> str:
    """Return what happened, such as "VUh max per month: 50 → 100"."""
    if change.kind in {"added", "removed"}:
        return str(change.kind)
    before, after = (cell_text(change.column, value) for value in (change.before, change.after))
    if change.kind == "renamed":
        return f"renamed from “{before}”"
    return f"{capitalized(header(change.column))}: {before} → {after}"
