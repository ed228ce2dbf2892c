"""What the report shows: the figures of its overview, and a section for each question."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from k6frames.plots.labels import format_number
from k6frames.report import projects, test_runs
from k6frames.report.account import Account
from k6frames.report.changes import changes
from k6frames.report.elements import Section
from k6frames.report.words import count


class Figure(NamedTuple):
    """One number of the overview."""

    label: str
    value: str
    note: str


def make_sections(account: Account) -> list[Section]:
    """Return the sections for what could be read of the account, and for what there is in it."""
    makers: list[Callable[[Account], Section]] = []
    if account.since is not None:
        makers.append(changes)
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


def overview(account: Account) -> list[Figure]:
    """Return the figures at the top of the report."""
    figures: list[Figure] = []
    if account.has_projects:
        figures += _project_figures(account)
    if account.has_test_runs:
        figures += _run_figures(account)
    return figures


def _project_figures(account: Account) -> list[Figure]:
    summary = account.tables["account_summary"].iloc[0]
    total = int(summary["projects"])
    dated = total - int(summary["undated_projects"])
    note = f"{summary['created_30_days']:,} created in 30 days"
    if dated < total:
        note += f" (of {dated:,} with a date; {total - dated:,} have none)"
    listed, empty = int(summary["organizations"]), int(summary["empty_organizations"])
    return [
        Figure("organizations", f"{listed:,}", f"{empty:,} without projects" if empty else ""),
        Figure("projects", f"{total:,}", note),
    ]


def _run_figures(account: Account) -> list[Figure]:
    details, usage = account.tables["test_run_details"], account.tables["usage"]
    month = account.as_of.tz_localize(None).to_period("M")
    months = usage["period"].dt.tz_localize(None).dt.to_period("M")
    by_month = usage[["test_runs", "vuh"]].set_index(months)
    this, last = (by_month.reindex([m]).fillna(0).iloc[0] for m in (month, month - 1))
    age = account.as_of - details["created"]
    recent = details[age.between(pd.Timedelta(0), pd.Timedelta(days=30))]
    passed = int((recent["result"] == "passed").sum())
    judged = int(recent["result"].isin(["passed", "failed", "error"]).sum())
    rate = f"{passed / judged:.0%}" if judged else "—"
    budget = account.tables["vuh_budget"]
    limited = int(budget["limit_vuh"].notna().sum())
    nearly = int((budget["share"] > test_runs.NEARLY_USED).sum())
    return [
        Figure(
            "load tests",
            f"{len(account.tables['load_tests']):,}",
            f"in {count(len(account.tables['stack_projects']), 'project')}",
        ),
        Figure(
            f"test runs in {month}",
            f"{this['test_runs']:,.0f}",
            f"{last['test_runs']:,.0f} in {month - 1}",
        ),
        Figure(
            f"VUh in {month}",
            format_number(this["vuh"]),
            f"{format_number(last['vuh'])} in {month - 1}",
        ),
        Figure(
            "pass rate of 30 days",
            rate,
            f"{passed:,} of {count(judged, 'run')} with a result"
            if judged
            else "no run has a result",
        ),
        Figure(
            "limits used above 80%",
            f"{nearly:,}",
            f"of {count(limited, 'project')} with a limit" if limited else "no project has a limit",
        ),
    ]
