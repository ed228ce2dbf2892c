"""The groups of a usage summary: projects, load tests, stacks or label values."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from k6frames.errors import SchemaError
from k6frames.plots import labels, style
from k6frames.plots.style import Floats
from k6frames.tables import (
    USAGE,
    USAGE_BY_LABEL,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_PROJECT,
    USAGE_BY_STACK,
    Table,
)

MAX_GROUPS = len(style.PALETTE)
MAX_NAME_POINTS = 200.0


class Grouping(NamedTuple):
    """A table of usage, and its columns with the IDs and names of groups.

    `entity` is what a group is, such as "project"; an empty string if the table has no groups.
    """

    table: Table
    entity: str
    id_column: str | None
    name_column: str | None


_BY_PROJECT = Grouping(USAGE_BY_PROJECT, "project", "project_id", "project_name")
# The first match is used, so each table comes before those whose columns it contains.
_GROUPINGS = (
    Grouping(USAGE_BY_LOAD_TEST, "load test", "load_test_id", "load_test_name"),
    _BY_PROJECT,
    Grouping(USAGE_BY_LABEL, "label", None, "value"),
    Grouping(USAGE_BY_STACK, "stack", "stack_id", None),
    Grouping(USAGE, "", None, None),
)


class Group(NamedTuple):
    """The name of a group, and its VUh in each period."""

    name: str
    vuh: Floats


def find_grouping(summary: pd.DataFrame) -> Grouping:
    """Return how a usage summary is grouped."""
    columns = set(summary.columns) if isinstance(summary, pd.DataFrame) else set()
    for grouping in _GROUPINGS:
        if columns.issuperset(grouping.table.dtypes):
            return grouping
    # No table matches. conform() will report which columns of usage by project, the default of
    # `k6frames.usage`, are missing.
    return _BY_PROJECT


def describe_grouping(frame: pd.DataFrame, grouping: Grouping) -> str:
    """Return what a usage summary is grouped by, such as "project" or the key of a label."""
    if grouping.table is not USAGE_BY_LABEL or not len(frame):
        return grouping.entity
    keys = frame["key"].unique()
    if len(keys) > 1:
        raise SchemaError(
            f"The summary has usage by several labels ({', '.join(map(str, keys))}), so runs would "
            "be counted more than once. Draw one label at a time."
        )
    return labels.text_label(keys[0])


def find_largest_groups(frame: pd.DataFrame, grouping: Grouping) -> list[Group]:
    """Return the groups with the largest usage, and the sum of the others as the last group."""
    if not grouping.entity:
        return [Group("", frame.sort_values("period")["vuh"].to_numpy(dtype=float))]
    keys = [name for name in grouping.table.key if name != "period"]
    numbered = frame.assign(group=frame.groupby(keys, dropna=False).ngroup())
    # A filtered summary can lack periods of a group.
    vuh = numbered.pivot(index="period", columns="group", values="vuh").fillna(0.0)  # noqa: PD010
    order = vuh.sum().sort_values(ascending=False, kind="stable").index
    largest, others = order[:MAX_GROUPS], order[MAX_GROUPS:]
    rows = numbered.drop_duplicates("group").set_index("group").loc[largest]
    names = labels.shorten_all(_group_names(rows, grouping), [MAX_NAME_POINTS] * len(rows))
    groups = [
        Group(name, vuh[number].to_numpy(dtype=float))
        for name, number in zip(names, largest, strict=True)
    ]
    if len(others):
        name = labels.format_count(len(others), "other")
        groups.append(Group(name, vuh[others].sum(axis=1).to_numpy(dtype=float)))
    return groups


def _group_names(rows: pd.DataFrame, grouping: Grouping) -> list[str]:
    if grouping.table is USAGE_BY_LABEL:
        without = f"without {describe_grouping(rows, grouping)}"
        return [labels.text_label(value) or without for value in rows[grouping.name_column]]
    names = rows[grouping.name_column] if grouping.name_column else [None] * len(rows)
    return labels.name_labels(rows[grouping.id_column], names, grouping.entity)
