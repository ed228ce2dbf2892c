"""Differences between two frames of the same table, such as two snapshots of an account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.errors import SchemaError
from k6frames.tables import CHANGES, find_table
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.conversion import describe_type
from k6frames.tables.schema import Table, returns

# The name of a row is the first value that it has in these columns.
_NAME_COLUMNS = ("name", "load_test_name", "project_name", "org_name")


@returns(CHANGES)
def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare two frames of the same table.

    Rows are matched by the table's key. Private columns (billing data, e-mail addresses) are not
    compared. Rows that are missing in one frame because a request failed are reported as added or
    removed; ``attrs["failed"]`` of the result lists the failed requests of both frames.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Two frames of the same table, as returned by any function of k6frames.

    Returns
    -------
    pandas.DataFrame
        One row for each row that was added or removed, and one for each value that was changed, in
        the order of the keys. Values are strings: timestamps in ISO 8601, booleans as ``true`` and
        ``false``.

    Raises
    ------
    SchemaError
        If the frames do not match a table, are of different tables, or have a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> before = k6frames.projects_df(client=k6frames.Client.sample())
    >>> after = before.drop(index=0)
    >>> after["name"] = after["name"].replace("Smoke tests", "Smoke")
    >>> k6frames.changes(before, after)["change"].value_counts().to_dict()
    {'changed': 6, 'removed': 1}
    """
    table = _find_table(before, after)
    old, new = table.conform(before), table.conform(after)
    if old.empty and new.empty:  # pandas cannot merge two empty columns of strings
        return combine_attrs(CHANGES.to_frame(CHANGES.arrow_schema.empty_table()), before, after)
    matches = _match_rows(old, new, list(table.key))
    is_added, is_removed = matches["old"].isna(), matches["new"].isna()
    # `match` is the index of a row in `matches`; `order` is the position of the changed column.
    differences = pd.concat(
        [
            pd.DataFrame({"match": matches.index[is_added], "change": "added", "order": 0}),
            pd.DataFrame({"match": matches.index[is_removed], "change": "removed", "order": 0}),
            *_changed_values(table, old, new, matches[~is_added & ~is_removed]),
        ]
    ).sort_values(["match", "order"], ignore_index=True)
    # The key and the name come from the new row or, if it was removed, from the old one. In `both`,
    # the new rows are after the old ones.
    both = pd.concat([old, new], ignore_index=True)
    positions = matches["new"].add(len(old)).fillna(matches["old"])
    rows = both.take(_to_array(positions.loc[differences["match"]])).reset_index(drop=True)
    result = differences.assign(
        table=table.name, key=_describe_keys(rows, table), name=_find_names(rows)
    )
    # `conform` drops `match` and `order`.
    return combine_attrs(CHANGES.conform(result), before, after)


def _find_table(before: pd.DataFrame, after: pd.DataFrame) -> Table:
    """Return the table of both frames."""
    tables = []
    for argument, frame in (("before", before), ("after", after)):
        if not isinstance(frame, pd.DataFrame):
            raise SchemaError(f"{argument} must be a pandas.DataFrame, not {describe_type(frame)}.")
        table = find_table(frame.columns)
        if table is None:
            raise SchemaError(
                f"{argument} must have exactly the columns of one of k6frames.tables.TABLES, in "
                f"their order. It has {', '.join(map(str, frame.columns)) or 'no columns'}."
            )
        tables.append(table)
    if tables[0] is not tables[1]:
        raise SchemaError(
            f"before is a frame of the table '{tables[0].name}', and after of the table "
            f"'{tables[1].name}'. Pass two frames of the same table."
        )
    return tables[0]


def _match_rows(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return the position of each key in each frame, missing if a frame does not have the key."""
    positions = [
        frame[key].assign(**{name: pd.array(np.arange(len(frame)), dtype="Int64")})
        for name, frame in (("old", old), ("new", new))
    ]
    matches = positions[0].merge(positions[1], on=key, how="outer")
    return matches.sort_values(key, ignore_index=True)


def _changed_values(
    table: Table, old: pd.DataFrame, new: pd.DataFrame, matches: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Yield the differences in each column that is public and not in the key."""
    old = old.take(_to_array(matches["old"])).set_axis(matches.index)
    new = new.take(_to_array(matches["new"])).set_axis(matches.index)
    for order, column in enumerate(table.columns):
        if column.private or column.name in table.key:
            continue
        before, after = old[column.name], new[column.name]
        same = (before == after).fillna(value=False) | (before.isna() & after.isna())
        yield pd.DataFrame(
            {
                "match": matches.index[~same],
                "change": "changed",
                "order": order,
                "column": column.name,
                "before": _to_strings(before[~same]),
                "after": _to_strings(after[~same]),
            }
        )


def _to_array(positions: pd.Series[Any]) -> npt.NDArray[np.int64]:
    return positions.to_numpy(dtype=np.int64)


def _describe_keys(rows: pd.DataFrame, table: Table) -> list[str]:
    """Return the key of each row, such as ``stack_id=1 project_id=7``, without missing values."""
    keys = zip(*(_to_strings(rows[name]) for name in table.key), strict=True)
    return [
        " ".join(
            f"{name}={_quote(value)}"
            for name, value in zip(table.key, key, strict=True)
            if value is not None
        )
        for key in keys
    ]


def _quote(value: str) -> str:
    """Quote a string that is empty or contains spaces, quotes or equal signs."""
    return value if re.fullmatch(r"[^\s=\"]+", value) else json.dumps(value, ensure_ascii=False)


def _find_names(rows: pd.DataFrame) -> pd.Series[Any]:
    """Return the name in each row, such as the name of a load test, project or organization."""
    names = pd.Series(pd.NA, rows.index, dtype="string")
    for column in _NAME_COLUMNS:
        if column in rows:
            names = names.fillna(rows[column])
    return names


def _to_strings(values: pd.Series[Any]) -> list[str | None]:
    """Return values as strings, None where they are missing."""
    return [None if pd.isna(value) else _to_string(value) for value in values]


def _to_string(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)
