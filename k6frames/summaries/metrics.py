"""Changes in metrics between test runs."""

from __future__ import annotations

import pandas as pd

from k6frames.errors import SchemaError
from k6frames.summaries.groups import number_groups
from k6frames.summaries.test_run_details import conform_details
from k6frames.tables import METRIC_CHANGES, METRIC_VALUES
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import returns
from k6frames.validation import validate_integer

_RUN_KEY = ["load_test_id", "test_run_id"]
_SERIES_KEY = ["load_test_id", "metric", "query", "series"]


@returns(METRIC_CHANGES)
def metric_changes(values: pd.DataFrame, details: pd.DataFrame, *, runs: int = 5) -> pd.DataFrame:
    """Compare metrics in the last runs of each load test with the runs before them.

    The median of the last `runs` runs with a value is compared with the median of up to `runs` runs
    before them, so that a single unusual run does not matter.

    Parameters
    ----------
    values : pandas.DataFrame
        As returned by `metric_values_df`; several frames may be concatenated.
    details : pandas.DataFrame
        As returned by `test_run_details_df` or `join_test_runs`, for the order of the runs. Values
        of other runs, and of runs without a creation time, are left out.
    runs : int, default 5
        How many runs to compute each median from.

    Returns
    -------
    pandas.DataFrame
        One row per load test, metric, query and series, largest increase first. Series whose
        `change` is missing, because `before` is missing or 0, are last.

    Raises
    ------
    ConfigError
        If `runs` is not valid.
    SchemaError
        If a frame does not match its table or has a duplicate key, or if the same run is in several
        stacks of `details`.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> values = k6frames.metric_values_df(details["load_test_id"].iloc[0], client=client)
    >>> k6frames.metric_changes(values, details).columns.tolist()[-3:]
    ['before', 'after', 'change']
    """
    validate_integer("runs", runs, minimum=1, maximum=1_000_000)
    measured = METRIC_VALUES.conform(values).dropna(subset="value")
    dated_runs = conform_details(details, "load_test_id", "created").dropna(subset="created")
    measured = measured.merge(dated_runs, on=_RUN_KEY, how="inner")
    repeated = measured[measured.duplicated(list(METRIC_VALUES.key))]
    if len(repeated):
        run, test = repeated["test_run_id"].iloc[0], repeated["load_test_id"].iloc[0]
        raise SchemaError(
            f"Test run {run} of load test {test} is in several stacks of the argument details, and "
            "the argument values has no stack IDs. Pass the details of one stack."
        )
    measured = measured.sort_values(["created", "test_run_id"], ignore_index=True)
    group_numbers, summary = number_groups(measured, _SERIES_KEY, ["load_test_name"])
    by_series = measured.groupby(group_numbers)
    # How many newer runs each series has after this one.
    newer_count = by_series.cumcount(ascending=False)
    is_after = newer_count < runs
    is_before = (newer_count >= runs) & (newer_count < 2 * runs)
    # The index of `summary` is the group number, so the values are assigned to the right rows.
    summary["test_runs"] = by_series.size()
    summary["before"] = measured["value"][is_before].groupby(group_numbers[is_before]).median()
    summary["after"] = measured["value"][is_after].groupby(group_numbers[is_after]).median()
    summary["change"] = summary["after"] / summary["before"].where(summary["before"] != 0) - 1
    summary = summary.sort_values(
        ["change", *_SERIES_KEY], ascending=[False, *[True] * len(_SERIES_KEY)]
    )
    return combine_attrs(METRIC_CHANGES.conform(summary), values, details)
