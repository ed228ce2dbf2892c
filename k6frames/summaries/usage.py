"""Usage in virtual user hours (VUh), and how much of the monthly limits is left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.errors import ConfigError
from k6frames.summaries.groups import number_groups
from k6frames.summaries.periods import Frequency, make_timeline
from k6frames.summaries.test_run_details import conform_details
from k6frames.tables import (
    PROJECT_LABELS,
    PROJECT_LIMITS,
    STACK_PROJECTS,
    USAGE,
    USAGE_BY_LABEL,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_PROJECT,
    USAGE_BY_STACK,
    VUH_BUDGET,
)
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import Table, returns
from k6frames.tables.timestamp_arguments import TimestampLike, resolve_as_of
from k6frames.validation import short_repr

_COSTS = ("total_vuh", "protocol_vuh", "browser_vuh")
_RUN_COLUMNS = ("load_test_id", "project_id", "created", "ended", *_COSTS)
REQUIRED_COLUMNS = ("stack_id", "test_run_id", "load_test_name", "project_name", *_RUN_COLUMNS)
"""The columns that `usage` needs."""

_SUMS = ["test_runs", "vuh", "protocol_vuh", "browser_vuh", "estimated_vuh"]


class _Grouping(NamedTuple):
    """What usage is grouped by."""

    noun: str
    table: Table
    keys: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    """More columns, such as names, with their values in the last row of a group."""


_GROUPINGS: dict[str | None, _Grouping] = {
    None: _Grouping("account", USAGE, ()),
    "stack_id": _Grouping("stack", USAGE_BY_STACK, ("stack_id",)),
    "project_id": _Grouping(
        "project", USAGE_BY_PROJECT, ("stack_id", "project_id"), ("project_name",)
    ),
    "load_test_id": _Grouping(
        "load test",
        USAGE_BY_LOAD_TEST,
        ("stack_id", "load_test_id"),
        ("load_test_name", "project_id", "project_name"),
    ),
}
_BY_LABEL = _Grouping("label value", USAGE_BY_LABEL, ("value",))


@returns(USAGE_BY_PROJECT, USAGE_BY_LOAD_TEST, USAGE_BY_STACK, USAGE_BY_LABEL, USAGE)
def usage(
    details: pd.DataFrame,
    *,
    freq: Frequency = "MS",
    by: str | None = "project_id",
    until: TimestampLike | None = None,
    project_labels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Sum the virtual user hours (VUh) of test runs per period and group, by default per project.

    A run belongs to the period in which it was created. The cost of a run that is under way
    (`ended` is missing) is an estimate, which counts in `estimated_vuh` and not in `vuh`. A missing
    cost counts as 0. Runs without a creation date are left out.

    Parameters
    ----------
    details : pandas.DataFrame
        As returned by `test_run_details_df` or `join_test_runs`.
    freq : {"MS", "D", "W", "QS", "YS"}, default "MS"
        Length of a period: month, day, week from Monday, quarter or year, all in UTC.
    by : str or None, default "project_id"
        What to group by: ``"project_id"``, ``"load_test_id"``, ``"stack_id"``, None for all runs
        together, or the key of a project label such as ``"team"``. Projects without that label are
        one group, whose value is missing.
    until : str, date, datetime or pandas.Timestamp, optional
        Add empty periods up to the one that contains this timestamp (UTC if it has no offset). By
        default, the last period is the one that contains the last run. Without runs, there are no
        periods.
    project_labels : pandas.DataFrame, optional
        As returned by `project_labels_df`; needed to group by a label.

    Returns
    -------
    pandas.DataFrame
        One row per period and group, ordered by both. Every group has a row for every period from
        the first run in `details` to the last one, or to `until`.

    Raises
    ------
    ConfigError
        If an argument is not valid, or the result would exceed two million rows.
    SchemaError
        If a frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> months = k6frames.usage(details, by=None)
    >>> months.columns.tolist()[:3]
    ['period', 'test_runs', 'vuh']
    """
    if by is not None and not isinstance(by, str):
        raise ConfigError(f"by must be a string or None, not {short_repr(by)}.")
    runs = conform_details(details, *_RUN_COLUMNS)
    runs = runs.dropna(subset="created")
    inputs = [details]
    if by is not None and by not in _GROUPINGS:
        if project_labels is None:
            raise ConfigError(
                'by must be "project_id", "load_test_id", "stack_id", None or a label key. To '
                f"group by the label {short_repr(by)}, pass "
                "project_labels=k6frames.project_labels_df()."
            )
        runs = _add_label(runs, by, project_labels)
        inputs.append(project_labels)
    rows = runs.assign(test_runs=1, **_split_costs(runs))
    return combine_attrs(sum_usage(rows, freq, by, until), *inputs)


def sum_usage(
    rows: pd.DataFrame, freq: Frequency, by: str | None, until: TimestampLike | None
) -> pd.DataFrame:
    """Sum usage per period and group.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per test run, or per sum of several runs, with `created`, the columns of `_SUMS`,
        and the keys and attributes of the grouping. For a sum, `created` may be any time in its
        period.
    freq : {"MS", "D", "W", "QS", "YS"}
        Length of a period.
    by : str or None
        What to group by; see `usage`. For a label, its value must be in the column `value`.
    until : str, date, datetime, pandas.Timestamp or numpy.datetime64, optional
        Add empty periods up to the one that contains this timestamp.
    """
    noun, table, keys, attributes = _GROUPINGS.get(by, _BY_LABEL)
    group_numbers, groups = number_groups(rows, keys, attributes)
    timeline = make_timeline(rows["created"], freq, until=until, groups=len(groups), noun=noun)
    # There is a cell for each period and group, numbered period by period.
    size = len(timeline.periods) * len(groups)
    cells = timeline.positions * len(groups) + group_numbers
    # Unlike numpy.bincount, groupby uses compensated summation: in the sum of a million runs, at
    # most the last digit is wrong.
    sums = rows[_SUMS].groupby(cells).sum().reindex(pd.RangeIndex(size), fill_value=0)
    group_of_cell = np.tile(np.arange(len(groups)), len(timeline.periods))
    result = groups.take(group_of_cell).reset_index(drop=True)
    result = result.assign(
        period=timeline.periods.repeat(len(groups)), **{name: sums[name] for name in _SUMS}
    )
    if table is USAGE_BY_LABEL:
        result["key"] = by
    return table.conform(result)


@returns(VUH_BUDGET)
def vuh_budget(
    details: pd.DataFrame,
    limits: pd.DataFrame,
    *,
    as_of: TimestampLike | None = None,
    stack_projects: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare the VUh that each project has used in the current month with its limit.

    The month is the calendar month of `as_of` in UTC. `used_vuh` is the total cost of the runs that
    were created between the start of the month and `as_of`, and have an end (even a later one).
    `expected_vuh` and `days_left` assume that daily usage stays the same. If `days_left` is more
    than the days left in the month, the limit will not be reached.

    Parameters
    ----------
    details : pandas.DataFrame
        As returned by `test_run_details_df` or `join_test_runs`.
    limits : pandas.DataFrame
        As returned by `project_limits_df`.
    as_of : str, date, datetime or pandas.Timestamp, optional
        The timestamp that counts as now; by default the current time. Without an offset it is in
        UTC, and a date means 00:00 of that day. Later runs are ignored.
    stack_projects : pandas.DataFrame, optional
        As returned by `stack_projects_df`, for the names of projects that have no runs.

    Returns
    -------
    pandas.DataFrame
        One row per project that has runs in the month or is in `limits`. Projects that have used
        VUh despite a limit of 0 come first, then the others by their share of the limit, largest
        first. Projects without a limit, or with an unused limit of 0, come last.

    Raises
    ------
    ConfigError
        If `as_of` is not a timestamp.
    SchemaError
        If a frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> limits = k6frames.project_limits_df(client=client)
    >>> budget = k6frames.vuh_budget(details, limits, as_of=client.as_of)
    >>> bool((budget["left_vuh"] + budget["used_vuh"]).eq(budget["limit_vuh"]).all())
    True
    """
    runs = conform_details(details, "project_id", "created", "ended", *_COSTS)
    limits_vuh = PROJECT_LIMITS.select("vuh_max_per_month").conform(limits)
    now = resolve_as_of(as_of)
    month = now.normalize().replace(day=1)
    elapsed, month_length = now - month, pd.Timedelta(days=now.days_in_month)

    keys = ["stack_id", "project_id"]
    # From all runs, so that a project without runs in this month also has a name.
    _, names = number_groups(runs, keys, ["project_name"])
    runs = runs[runs["created"].between(month, now)]
    group_numbers, groups = number_groups(runs, keys)
    # The index of `groups` is the group number, so the sums are assigned to the right rows.
    groups["used_vuh"] = pd.Series(_split_costs(runs)["vuh"]).groupby(group_numbers).sum()
    budget = groups.merge(limits_vuh, on=keys, how="outer").merge(names, on=keys, how="left")
    inputs = [details, limits]
    if stack_projects is not None:
        known = STACK_PROJECTS.select("name").conform(stack_projects)
        budget = budget.merge(known, on=keys, how="left")
        budget["project_name"] = budget["project_name"].fillna(budget["name"])
        inputs.append(stack_projects)

    used = budget["used_vuh"].astype("Float64").fillna(0.0)
    limit = budget["vuh_max_per_month"].astype("Float64")
    left = limit - used
    share = used / limit.where(limit > 0)
    is_exceeded = (left < 0).fillna(value=False)
    # Without usage, or at the very start of the month, it is not known how long the rest will last.
    elapsed_days = elapsed / pd.Timedelta(days=1)
    is_known = (used > 0) & (elapsed_days > 0)
    days_left = left * elapsed_days / used.where(is_known)
    budget = budget.assign(
        month=month,
        used_vuh=used,
        limit_vuh=limit,
        left_vuh=left,
        share=share,
        expected_vuh=used * (month_length / elapsed) if elapsed else used,
        days_left=days_left.mask((left <= 0).fillna(value=False), 0.0),
        # An exceeded limit of 0 has no share, but comes first.
        order=share.mask(share.isna() & is_exceeded, np.inf),
    )
    budget = budget.sort_values(["order", "used_vuh", *keys], ascending=[False, False, True, True])
    return combine_attrs(VUH_BUDGET.conform(budget), *inputs)


def _split_costs(runs: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Return the costs of runs that have ended, and the estimates of the others, 0 if missing."""
    ended = runs["ended"].notna().to_numpy()
    total, protocol, browser = (
        runs[name].to_numpy(dtype=np.float64, na_value=0.0) for name in _COSTS
    )
    return {
        "vuh": np.where(ended, total, 0.0),
        "protocol_vuh": np.where(ended, protocol, 0.0),
        "browser_vuh": np.where(ended, browser, 0.0),
        "estimated_vuh": np.where(ended, 0.0, total),
    }


def _add_label(runs: pd.DataFrame, key: str, project_labels: pd.DataFrame) -> pd.DataFrame:
    """Add the column `value`: the value that the project of each run has for a label."""
    labels = PROJECT_LABELS.select("value").conform(project_labels)
    values = labels.loc[labels["key"] == key, ["stack_id", "project_id", "value"]]
    return runs.merge(values, on=["stack_id", "project_id"], how="left")
