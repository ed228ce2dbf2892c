"""The groups of a usage summary: projects, load tests, stacks or label values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.errors import SchemaError
from k6frames.plots import labels, style
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
    """What the groups of a table are called, and its columns of their IDs and names."""

    table: Table
    entity: str
    id_column: str | None
    name_column: str | None


# Those with more columns first: usage by load test has the columns of usage by project, too.
_GROUPINGS = (
    Grouping(USAGE_BY_LOAD_TEST, "load test", "load_test_id", "load_test_name"),
    Grouping(USAGE_BY_PROJECT, "project", "project_id", "project_name"),
    Grouping(USAGE_BY_LABEL, "label", None, "value"),
    Grouping(USAGE_BY_STACK, "stack", "stack_id", None),
    Grouping(USAGE, "", None, None),
)


class Group(NamedTuple):
    """A part of the usage: its name, and its VUh in each period."""

    name: str
    vuh: npt.NDArray[np.float64]


def find_grouping(summary: pd.DataFrame) -> Grouping:
    """Return how a usage summary is grouped."""
    columns = set(summary.columns) if isinstance(summary, pd.DataFrame) else set()
    for grouping in _GROUPINGS:
        if columns.issuperset(grouping.table.dtypes):
            return grouping
    # None matches: the error about the most frequent table names the missing columns and the cure.
    return next(grouping for grouping in _GROUPINGS if grouping.table is USAGE_BY_PROJECT)


def describe_grouping(frame: pd.DataFrame, grouping: Grouping) -> str:
    """Return what a usage summary is grouped by: a label has the name of its key."""
    if grouping.table is not USAGE_BY_LABEL or not len(frame):
        return grouping.entity
    keys = frame["key"].unique()
    if len(keys) > 1:
        raise SchemaError(
            f"The summary has the usage by several labels ({', '.join(map(str, keys))}), so that "
            "each run would be counted several times. Draw one label at a time."
        )
    return labels.drawable_text(labels.clean_text(keys[0]))


def find_largest(frame: pd.DataFrame, grouping: Grouping) -> list[Group]:
    """Return the groups with the largest usage, and all others together as the last one."""
    if not grouping.entity:
        return [Group("", frame.sort_values("period")["vuh"].to_numpy(dtype=float))]
    keys = [name for name in grouping.table.key if name != "period"]
    numbered = frame.assign(group=frame.groupby(keys, dropna=False).ngroup())
    # A summary that was filtered can lack some periods of a group.
    vuh = numbered.pivot(index="period", columns="group", values="vuh").fillna(0.0)  # noqa: PD010
    order = vuh.sum().sort_values(ascending=False, kind="stable").index
    named, others = order[:MAX_GROUPS], order[MAX_GROUPS:]
    rows = numbered.drop_duplicates("group").set_index("group").loc[named]
    names = labels.shorten_all(_names(rows, grouping), [MAX_NAME_POINTS] * len(rows))
    groups = [
        Group(name, vuh[number].to_numpy(dtype=float))
        for name, number in zip(names, named, strict=True)
    ]
    if len(others):
        name = labels.format_count(len(others), "other")
        groups.append(Group(name, vuh[others].sum(axis=1).to_numpy(dtype=float)))
    return groups


def _names(rows: pd.DataFrame, grouping: Grouping) -> list[str]:
    if grouping.id_column is None:
        missing = f"without {describe_grouping(rows, grouping)}"
        values = [labels.drawable_text(labels.clean_text(value)) for value in rows["value"]]
        return [value or missing for value in values]
    names = rows[grouping.name_column] if grouping.name_column else [None] * len(rows)
    return labels.name_labels(rows[grouping.id_column], names, grouping.entity)
