"""What the report shows: the figures of its overview, and a section for each question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from k6frames import plots
from k6frames.report.account import Account
from k6frames.report.drawing import Plot, draw

NEARLY_USED = 0.8
"""The share of a limit above which a budget is worth a look."""
SLOWER = 0.1
"""The increase of a metric above which a load test got slower."""
PREVIEW_ROWS = 10


class Figure(NamedTuple):
    """One number of the overview."""

    label: str
    value: str
    note: str


class Preview(NamedTuple):
    """The first rows of a table, as text; `links` has an address for some first cells."""

    columns: list[str]
    rows: list[list[str]]
    links: list[str | None]
    more: int


class Section(NamedTuple):
    """One question, its answer in a sentence, and what shows it."""

    name: str
    title: str
    answer: str
    plots: list[Plot]
    tables: list[str]
    preview: Preview | None = None


def overview(account: Account) -> list[Figure]:
    """Return the figures at the top of the report."""
    figures: list[Figure] = []
    if account.has_projects:
        summary = account.tables["account_summary"].iloc[0]
        projects = int(summary["projects"])
        dated = projects - int(summary["undated_projects"])
        note = f"{summary['created_30_days']:,} created in 30 days"
        if dated < projects:
            note += f" (of {dated:,} with a date; {projects - dated:,} have none)"
        empty = int(summary["empty_organizations"])
        figures += [
            Figure("organizations", f"{summary['organizations']:,}", f"{empty:,} without projects"),
            Figure("projects", f"{projects:,}", note),
        ]
    if account.has_test_runs:
        figures += _run_figures(account)
    return figures


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
    budget = account.tables["vuh_budget"]
    limited = int(budget["limit_vuh"].notna().sum())
    nearly = int((budget["share"] > NEARLY_USED).sum())
    return [
        Figure("load tests", f"{len(account.tables['load_tests']):,}", "in the stacks read"),
        Figure(
            f"test runs in {month}",
            f"{this['test_runs']:,.0f}",
            f"{last['test_runs']:,.0f} in {month - 1}",
        ),
        Figure(f"VUh in {month}", f"{this['vuh']:,.0f}", f"{last['vuh']:,.0f} in {month - 1}"),
        Figure(
            "pass rate of 30 days",
            f"{passed / judged:.0%}" if judged else "—",
            f"{passed:,} of {count(judged, 'run')} with a result",
        ),
        Figure("budgets above 80 %", f"{nearly:,}", f"of {count(limited, 'project')} with a limit"),
    ]


def make_sections(account: Account) -> list[Section]:
    """Return the sections for what could be read of the account."""
    makers: list[Callable[[Account], Section]] = []
    if account.has_test_runs:
        makers += [_usage, _budget, _results, _flaky, _slower, _schedules, _idle_load_tests]
    if account.has_projects:
        makers += [_organizations, _growth, _idle_projects, _shared_names]
    return [make(account) for make in makers]


# --- test runs ----------------------------------------------------------------------------------


def _usage(account: Account) -> Section:
    usage, by_project = account.tables["usage"], account.tables["usage_by_project"]
    total = usage["vuh"].sum()
    answer = "No test run has been created yet."
    if len(usage):
        newest = usage.iloc[-1]
        answer = (
            f"{newest['vuh']:,.0f} VUh in {newest['period']:%Y-%m} until {account.as_of:%Y-%m-%d}, "
            f"and {total:,.0f} VUh since {usage.iloc[0]['period']:%Y-%m}."
        )
        estimated = usage["estimated_vuh"].sum()
        if estimated:
            answer += f" Runs under way may add {estimated:,.0f} VUh."
    tables = ["usage", "usage_by_project", "usage_by_load_test"]
    tables += ["usage_by_label"] if "usage_by_label" in account.tables else []
    plot = draw("usage", lambda: plots.usage(by_project), f"VUh per month and project. {answer}")
    return Section("usage", "Usage per month", answer, [plot], tables)


def _budget(account: Account) -> Section:
    budget = account.tables["vuh_budget"]
    nearly = budget[budget["share"] > NEARLY_USED]
    limited = int(budget["limit_vuh"].notna().sum())
    answer = f"None of {count(limited, 'project')} with a limit has used more than 80 % of it."
    if not limited:
        answer = "No project has a limit."
    if len(nearly):
        named = [f"{_name(r.project_name, r.project_id)} ({r.share:.0%})" for r in _rows(nearly)]
        verb = "has" if len(nearly) == 1 else "have"
        answer = (
            f"{count(len(nearly), 'project')} {verb} used more than 80 % of the month's limit: "
            f"{_listed(named)}."
        )
    plot = draw("vuh_budget", lambda: plots.vuh_budget(budget), f"VUh and limits. {answer}")
    return Section("budget", "VUh limits of this month", answer, [plot], ["vuh_budget"])


def _results(account: Account) -> Section:
    results, timeline = account.tables["test_results"], account.tables["results_timeline"]
    failing = results[results["failing_since"].notna()].sort_values("failing_since")
    answer = (
        "Every load test passed in its last run." if len(results) else "No test has run lately."
    )
    if len(failing):
        named = [
            f"{_name(r.load_test_name, r.load_test_id)} since {r.failing_since:%Y-%m-%d}"
            for r in _rows(failing)
        ]
        verb = "fails" if len(failing) == 1 else "fail"
        answer = f"{count(len(failing), 'load test')} {verb}: {_listed(named)}."
    drawn = [
        draw(
            "results_timeline",
            lambda: plots.results_timeline(timeline),
            f"Results of test runs per week. {answer}",
        ),
        draw(
            "test_results",
            lambda: plots.test_results(results),
            "Results of each load test in 90 days, those with the lowest pass rate first.",
        ),
    ]
    shown = failing[["load_test_name", "project_name", "failing_since", "last_run", "pass_rate"]]
    links = [_load_test_link(account, row) for row in _rows(failing)]
    return Section(
        "results",
        "Load tests that fail",
        answer,
        drawn,
        ["test_results", "results_timeline", "test_run_details"],
        preview(shown, links),
    )


def _flaky(account: Account) -> Section:
    flaky = account.tables["flaky_tests"]
    changing = flaky[flaky["changes"] > 1]
    answer = "No load test changes back and forth between its results."
    if len(changing):
        worst = next(_rows(changing))
        answer = (
            f"{_name(worst.load_test_name, worst.load_test_id)} changes most: its result changed "
            f"{count(worst.changes, 'time')} in {count(worst.finished_runs, 'run')}."
        )
    plot = draw("flaky_tests", lambda: plots.flaky_tests(flaky), f"Changes of results. {answer}")
    return Section("flaky", "Load tests with changing results", answer, [plot], ["flaky_tests"])


def _slower(account: Account) -> Section:
    changes = account.tables["metric_changes"]
    compared = changes[changes["change"].notna()]
    slower = compared[compared["change"] > SLOWER]
    answer = "No metrics of five runs before and after can be compared."
    if len(compared):
        answer = "The p95 of no load test is more than 10 % above that of the five runs before."
    if len(slower):
        named = [
            f"{_name(r.load_test_name, r.load_test_id)} (+{r.change:.0%})" for r in _rows(slower)
        ]
        answer = f"Slower than in the five runs before, by p95: {_listed(named)}."
    plot = draw(
        "metric_changes", lambda: plots.metric_changes(changes), f"Changes of p95. {answer}"
    )
    return Section(
        "metrics", "Load tests that got slower", answer, [plot], ["metric_changes", "metric_values"]
    )


def _schedules(account: Account) -> Section:
    scheduled = account.tables["scheduled_runs"]
    answer = "Nothing is scheduled."
    if len(scheduled):
        first = next(_rows(scheduled))
        answer = (
            f"{count(len(scheduled), 'schedule')} {'is' if len(scheduled) == 1 else 'are'} active; "
            f"next is {_name(first.load_test_name, first.load_test_id)} on "
            f"{first.next_run:%Y-%m-%d %H:%M} UTC."
        )
    shown = scheduled[["load_test_name", "next_run", "recurrence", "until"]]
    links = [_load_test_link(account, row) for row in _rows(scheduled)]
    return Section(
        "schedules",
        "Scheduled test runs",
        answer,
        [],
        ["scheduled_runs", "schedules"],
        preview(shown, links),
    )


def _idle_load_tests(account: Account) -> Section:
    idle = account.tables["idle_load_tests"]
    answer = "Every load test has run in the last 90 days."
    if len(idle):
        verb = "has" if len(idle) == 1 else "have"
        answer = f"{count(len(idle), 'load test')} {verb} not run for 90 days or more."
    plot = draw("idle_load_tests", lambda: plots.idle_load_tests(idle), answer)
    return Section(
        "idle-load-tests", "Load tests without runs", answer, [plot], ["idle_load_tests"]
    )


# --- projects -----------------------------------------------------------------------------------


def _organizations(account: Account) -> Section:
    summary = account.tables["projects_per_organization"]
    answer = "There are no projects."
    if len(summary) and summary["projects"].sum():
        first = next(_rows(summary))
        answer = (
            f"{_name(first.org_name, first.org_id)} has most: {count(first.projects, 'project')}, "
            f"{first.share:.0%} of all."
        )
    plot = draw(
        "projects_per_organization",
        lambda: plots.projects_per_organization(summary),
        f"Projects per organization. {answer}",
    )
    tables = ["projects_per_organization", "organizations", "projects", "organization_projects"]
    return Section("organizations", "Projects per organization", answer, [plot], tables)


def _growth(account: Account) -> Section:
    summary, timeline = account.tables["account_summary"], account.tables["creation_timeline"]
    by_organization = account.tables["creation_timeline_by_organization"]
    names = account.tables["organizations"].set_index("org_id")["name"]
    named = by_organization.assign(org_name=by_organization["org_id"].map(names))
    created = int(summary["created_365_days"].iloc[0])
    undated = int(summary["undated_projects"].iloc[0])
    answer = f"{count(created, 'project')} created in the last 365 days."
    if undated:
        answer += f" {count(undated, 'project')} without a creation date cannot be counted."
    drawn = [
        draw("creation_timeline", lambda: plots.creation_timeline(timeline), f"Growth. {answer}"),
        draw(
            "creation_timeline_by_organization",
            lambda: plots.creation_timeline(named),
            "The number of projects of the largest organizations over time.",
        ),
    ]
    return Section(
        "growth",
        "Projects created over time",
        answer,
        drawn,
        ["creation_timeline", "creation_timeline_by_organization"],
    )


def _idle_projects(account: Account) -> Section:
    idle = account.tables["idle_projects"]
    activity = "updated or tested" if account.has_test_runs else "updated"
    verb = "has" if len(idle) == 1 else "have"
    answer = f"{count(len(idle), 'project')} {verb} not been {activity} for 180 days or more."
    if not account.has_test_runs:
        answer += " Test runs are not considered, since no Grafana stack was read."
    plot = draw("idle_projects", lambda: plots.idle_projects(idle), answer)
    shown = idle[["project_name", "org_name", "project_updated", "last_run", "idle_days"]]
    return Section(
        "idle-projects",
        f"Projects not {activity} in 180 days",
        answer,
        [plot],
        ["idle_projects"],
        preview(shown, [None] * len(shown)),
    )


def _shared_names(account: Account) -> Section:
    names = account.tables["shared_names"]
    organizations = len(account.tables["organizations"])
    answer = "No project name is used by several organizations."
    if organizations < 2:
        answer = "There are no two organizations to compare."
    if len(names):
        first = next(_rows(names))
        answer = (
            f"{count(len(names), 'name')} {'is' if len(names) == 1 else 'are'} used by several "
            f"organizations; most often “{first.project_name}”, by {first.organizations:,}."
        )
    return Section(
        "shared-names",
        "Project names that several organizations use",
        answer,
        [],
        ["shared_names"],
        preview(names, [None] * len(names)),
    )


# --- words --------------------------------------------------------------------------------------


def preview(frame: pd.DataFrame, links: list[str | None]) -> Preview | None:
    """Return the first rows of a frame as text; None if it has no rows."""
    if frame.empty:
        return None
    shown = frame.head(PREVIEW_ROWS)
    return Preview(
        [header(name) for name in shown.columns],
        [[_text(value) for value in row] for row in shown.itertuples(index=False)],
        links[:PREVIEW_ROWS],
        len(frame) - len(shown),
    )


def header(column: str) -> str:
    """Return a column's name in words."""
    words = {"id": "ID", "org": "organization", "vuh": "VUh", "vus": "VUs", "vu": "VU", "k6": "k6"}
    return " ".join(words.get(word, word) for word in column.split("_"))


def count(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _text(value: Any) -> str:
    if pd.isna(value):
        return "—"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if pd.api.types.is_integer(value) else str(value)


def _name(name: Any, identifier: Any) -> str:
    return str(identifier) if pd.isna(name) else str(name)


def _listed(names: list[str]) -> str:
    """Join names to a list of three at most."""
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    return iter(frame.itertuples(index=False))


def _load_test_link(account: Account, row: Any) -> str | None:
    """Return the address of a load test in Grafana, if that of its stack is known."""
    url = account.stack_urls.get(int(row.stack_id))
    return f"{url}/a/k6-app/tests/{row.load_test_id}" if url else None
