"""The section about what changed since an earlier snapshot."""

from __future__ import annotations

import pandas as pd

from k6frames.dataset.changes import ROUTINE_COLUMNS
from k6frames.report.account import Account
from k6frames.report.elements import Preview, Section, preview
from k6frames.report.words import count, header, join_words, were

_SUBJECTS = {
    "stack_projects": "project",
    "projects": "project",
    "load_tests": "load test",
    "schedules": "schedule",
    "project_limits": "limit",
    "project_labels": "label",
    "organizations": "organization",
}
_KINDS = ("added", "removed", "renamed", "changed")
MAX_SHOWN = 25


def changes(account: Account) -> Section:
    """Show what was added, removed, renamed or changed since a snapshot."""
    found = account.tables["changes"]
    notable = _describe(found[~found["column"].isin(ROUTINE_COLUMNS)], account)
    if len(notable):
        answer = f"{_summarize(notable)}."
    elif len(found):
        answer = "Nothing but the times of updates and of next runs has changed."
    else:
        answer = "No organization, project, load test, schedule or limit has changed."
    not_compared = len(found.attrs.get("failed", []))
    if not_compared:
        lists = count(not_compared, "list")
        answer += f" {lists} {were(not_compared)} not read for both and cannot be compared."
    return Section(
        "changes",
        f"Changes since {account.since}",
        answer,
        tables=["changes"],
        preview=_preview(notable),
    )


def _describe(found: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Return the changes with their subject, kind and name, those that matter most first."""
    is_renamed = (found["column"] == "name").fillna(value=False)
    identifier = found["key"].str.replace(r"stack_id=\d+ ", "", regex=True)
    described = found.assign(
        subject=found["table"].map(_SUBJECTS),
        kind=found["change"].mask(is_renamed, "renamed"),
        identifier=identifier,
        name=found["name"]
        .fillna(_find_names(found["key"], account))
        .fillna(identifier.str.replace("_id=", " ")),
    )
    ranks = {name: rank for rank, name in enumerate([*_KINDS, *_SUBJECTS])}
    described = described.sort_values(
        ["kind", "table"], key=lambda column: column.map(ranks), kind="stable"
    )
    # A project is in the lists of both versions of the API.
    return described.drop_duplicates(["subject", "identifier", "change", "column"])


def _find_names(keys: pd.Series[str], account: Account) -> pd.Series[str]:
    """Return what schedules, limits and labels are called: as the load test or the project."""
    names: dict[str, str] = {}
    if account.has_test_runs:
        projects, load_tests = account.tables["stack_projects"], account.tables["load_tests"]
        schedules = account.tables["schedules"].merge(load_tests, on=["stack_id", "load_test_id"])
        for frame, column in ((projects, "project_id"), (schedules, "schedule_id")):
            owners = "stack_id=" + frame["stack_id"].astype("string")
            owners += f" {column}=" + frame[column].astype("string")
            names |= dict(zip(owners, frame["name"], strict=True))
    parts = keys.str.extract(r"(?P<owner>.*?)(?: key=(?P<label>.*))?$")
    label = (": " + parts["label"]).fillna("")
    return parts["owner"].map(names).astype("string") + label


def _summarize(described: pd.DataFrame) -> str:
    """Return how many of what was added, removed, renamed or changed, as a sentence."""
    parts = []
    for kind in _KINDS:
        of_kind = described[described["kind"] == kind]
        counts = of_kind.groupby("subject", sort=False)["identifier"].nunique()
        if len(counts):
            listed = join_words([count(number, str(subject)) for subject, number in counts.items()])
            parts.append(f"{listed} {were(int(counts.sum()))} {kind}")
    return "; ".join(parts)


def _preview(described: pd.DataFrame) -> Preview | None:
    column = described["column"].map(header, na_action="ignore").astype("string")
    shown = pd.DataFrame(
        {
            "what": described["subject"].str.capitalize(),
            "name": described["name"],
            "change": described["kind"].where(described["kind"] != "changed", column + " changed"),
            "before": described["before"],
            "after": described["after"],
        }
    )
    return preview(shown, limit=MAX_SHOWN)
