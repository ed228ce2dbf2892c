"""Summary of schedules: which load tests run next, and how often."""

from __future__ import annotations

import pandas as pd

from k6frames.tables import LOAD_TESTS, SCHEDULED_RUNS, SCHEDULES
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import returns

_UNITS = {
    "HOURLY": "hour",
    "DAILY": "day",
    "WEEKLY": "week",
    "MONTHLY": "month",
    "YEARLY": "year",
}
_WEEKDAYS = {
    "MO": "Mon",
    "TU": "Tue",
    "WE": "Wed",
    "TH": "Thu",
    "FR": "Fri",
    "SA": "Sat",
    "SU": "Sun",
}


@returns(SCHEDULED_RUNS)
def scheduled_runs(schedules: pd.DataFrame, load_tests: pd.DataFrame) -> pd.DataFrame:
    """List the active schedules in the order of their next run.

    A schedule is active if it is not deactivated and has a next run.

    Parameters
    ----------
    schedules : pandas.DataFrame
        As returned by `schedules_df`.
    load_tests : pandas.DataFrame
        As returned by `load_tests_df`, for names and project IDs. They are missing for a load test
        that is not in this frame.

    Returns
    -------
    pandas.DataFrame
        One row per active schedule, the earliest next run first. `recurrence` is ``"once"``, an
        interval such as ``"every 2 weeks on Sat, Sun"``, or a cron expression with its time zone,
        such as ``"cron 0 7 * * 1 (UTC)"``.

    Raises
    ------
    SchemaError
        If a frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> schedules = k6frames.schedules_df(client=client)
    >>> runs = k6frames.scheduled_runs(schedules, k6frames.load_tests_df(client=client))
    >>> bool(runs["next_run"].is_monotonic_increasing)
    True
    """
    # In the order of the parameters of `_describe_recurrence`.
    rule = ["frequency", "interval", "weekdays", "cron", "cron_time_zone"]
    active = SCHEDULES.select(
        "load_test_id", "next_run", "deactivated", "until", "count", *rule
    ).conform(schedules)
    names = LOAD_TESTS.select("name", "project_id").conform(load_tests)
    names = names.rename(columns={"name": "load_test_name"})
    active = active[active["next_run"].notna() & ~active["deactivated"].fillna(value=False)]
    active = active.merge(names, on=["stack_id", "load_test_id"], how="left")
    # Missing values become None.
    rules = active[rule].astype(object).where(active[rule].notna(), None)
    active["recurrence"] = [_describe_recurrence(*row) for row in rules.itertuples(index=False)]
    active = active.sort_values(["next_run", "stack_id", "schedule_id"])
    return combine_attrs(SCHEDULED_RUNS.conform(active), schedules, load_tests)


def _describe_recurrence(
    frequency: str | None,
    interval: int | None,
    weekdays: str | None,
    cron: str | None,
    cron_time_zone: str | None,
) -> str:
    """Describe how often a schedule runs, in words or as a cron expression."""
    if cron is not None:
        return f"cron {cron} ({cron_time_zone})" if cron_time_zone else f"cron {cron}"
    if frequency is None:
        return "once"
    # A frequency that the API adds later is shown as it is.
    unit = _UNITS.get(frequency, frequency)
    plural = f"{unit}s" if frequency in _UNITS else unit
    every = f"every {unit}" if interval in (None, 1) else f"every {interval} {plural}"
    if not weekdays:
        return every
    return f"{every} on {', '.join(_WEEKDAYS.get(day, day) for day in weekdays.split(','))}"
