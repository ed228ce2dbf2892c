"""The contents of the report: the numbers at the top, and the sections."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from k6frames.plots.labels import format_number
from k6frames.report import changes, projects, test_runs
from k6frames.report.account import Account
from k6frames.report.elements import Section
from k6frames.report.words import count


class KeyNumber(NamedTuple):
    """A number at the top of the report."""

    label: str
    value: str
    note: str


def make_sections(account: Account) -> list[Section]:
    """Return the sections about the parts of the account that could be read.

    If a part has no data, its sections say so or are left out.
    """
    makers: list[Callable[[Account], Section]] = []
    if account.since is not None:
        makers.append(changes.changes)
    if account.has_test_runs:
        makers += [test_runs.usage, test_runs.budget]
        if len(account.tables["test_run_details"]):
            makers += [test_runs.results, test_runs.flaky, test_runs.slower]
        makers += [test_runs.schedules, test_runs.idle_load_tests]
    if account.has_projects:
        makers.append(projects.organizations)
        if len(account.tables["projects"]):
            makers += [projects.growth, projects.idle_projects]
        if len(account.tables["organizations"]) > 1:
            makers.append(projects.shared_names)
    return [_without_empty_tables(make(account), account) for make in makers]


def _without_empty_tables(section: Section, account: Account) -> Section:
    return section._replace(tables=[name for name in section.tables if len(account.tables[name])])


def overview(account: Account) -> list[KeyNumber]:
    """Return the numbers at the top of the report, beginning with test runs."""
    numbers: list[KeyNumber] = []
    if account.has_test_runs:
        numbers += [*_usage_numbers(account), *_result_numbers(account), _limit_number(account)]
        numbers.append(_load_test_number(account))
    if account.has_projects:
        numbers += _project_numbers(account)
    return numbers


def _usage_numbers(account: Account) -> list[KeyNumber]:
    month = account.as_of.tz_localize(None).to_period("M")
    runs, vuh = _usage_in(month, account.tables["usage"])
    runs_before, vuh_before = _usage_in(month - 1, account.tables["usage"])
    return [
        KeyNumber(
            f"VUh in {month}", format_number(vuh), f"{format_number(vuh_before)} in {month - 1}"
        ),
        KeyNumber(f"Test runs in {month}", f"{runs:,}", f"{runs_before:,} in {month - 1}"),
    ]


def _usage_in(month: pd.Period, usage: pd.DataFrame) -> tuple[int, float]:
    """Return the number of test runs and the VUh of a month."""
    in_month = usage[usage["period"].dt.tz_localize(None).dt.to_period("M") == month]
    return int(in_month["test_runs"].sum()), float(in_month["vuh"].sum())


def _result_numbers(account: Account) -> list[KeyNumber]:
    details, by_load_test = account.tables["test_run_details"], account.tables["test_results"]
    age = account.as_of - details["created"]
    recent = details[age.between(pd.Timedelta(0), pd.Timedelta(days=30))]
    passed = int((recent["result"] == "passed").sum())
    with_result = int(recent["result"].isin(["passed", "failed", "error"]).sum())
    value, rate_note = "—", "no run has a result"
    if with_result:
        value = f"{passed / with_result:.0%}"
        rate_note = f"{passed:,} of {count(with_result, 'run')} with a result"
    rate = KeyNumber("Pass rate in the last 30 days", value, rate_note)
    failing = int(by_load_test["failing_since"].notna().sum())
    ran = len(by_load_test)
    note = f"of {ran:,} that ran in the last 90 days" if ran else "none ran in the last 90 days"
    return [rate, KeyNumber("Failing load tests", f"{failing:,}", note)]


def _limit_number(account: Account) -> KeyNumber:
    budgets = account.tables["vuh_budget"]
    limited = int(budgets["limit_vuh"].notna().sum())
    largely_used = len(test_runs.largely_used(budgets))
    note = f"of {count(limited, 'project')} with a limit" if limited else "no project has a limit"
    return KeyNumber(f"Limits over {test_runs.MAX_USED_SHARE:.0%} used", f"{largely_used:,}", note)


def _load_test_number(account: Account) -> KeyNumber:
    stack_projects = account.tables["stack_projects"]
    stacks = stack_projects["stack_id"].nunique()
    note = f"in {count(len(stack_projects), 'project')} of "
    note += "the Grafana stack" if stacks < 2 else f"{stacks:,} Grafana stacks"
    return KeyNumber("Load tests", f"{len(account.tables['load_tests']):,}", note)


def _project_numbers(account: Account) -> list[KeyNumber]:
    summary = account.tables["account_summary"].iloc[0]
    total, undated = int(summary["projects"]), int(summary["undated_projects"])
    note = f"{summary['created_30_days']:,} created in the last 30 days"
    if undated:
        note += f" ({undated:,} without a creation date not counted)"
    organizations, empty = int(summary["organizations"]), int(summary["empty_organizations"])
    return [
        KeyNumber("Projects", f"{total:,}", note),
        KeyNumber(
            "Organizations", f"{organizations:,}", f"{empty:,} without projects" if empty else ""
        ),
    ]
