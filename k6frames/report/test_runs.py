"""Sections about load tests and their runs: usage, limits, results, metrics, schedules."""

from __future__ import annotations

from typing import Any

from k6frames import plots
from k6frames.plots.labels import format_number
from k6frames.report.account import Account
from k6frames.report.elements import Section, draw, preview
from k6frames.report.words import are, count, have, join_names, name_or_id, rows

NEARLY_USED = 0.8
"""The share of a limit above which a budget is worth a look."""
SLOWER = 0.1
"""The increase of a metric above which a load test got slower."""


def usage(account: Account) -> Section:
    """Show which projects use how many VUh."""
    total, by_project = account.tables["usage"], account.tables["usage_by_project"]
    if total.empty:
        return Section("usage", "Usage per month", "No test run has been created yet.")
    newest = total.iloc[-1]
    answer = (
        f"{format_number(newest['vuh'])} VUh in {newest['period']:%Y-%m} until "
        f"{account.as_of:%Y-%m-%d}"
    )
    if len(total) > 1:
        answer += (
            f", and {format_number(total['vuh'].sum())} VUh since {total['period'].iloc[0]:%Y-%m}"
        )
    answer += "."
    estimated = total["estimated_vuh"].sum()
    if estimated:
        answer += f" Runs under way may add {format_number(estimated)} VUh."
    plot = draw("usage", lambda: plots.usage(by_project), f"VUh per month and project. {answer}")
    tables = ["usage", "usage_by_project", "usage_by_load_test"]
    tables += ["usage_by_label"] if "usage_by_label" in account.tables else []
    return Section("usage", "Usage per month", answer, [plot], tables)


def budget(account: Account) -> Section:
    """Show whether the month's limits hold."""
    budgets = account.tables["vuh_budget"]
    limited = int(budgets["limit_vuh"].notna().sum())
    nearly = budgets[budgets["share"] > NEARLY_USED]
    if not limited:
        answer = "No project has a limit."
    elif nearly.empty:
        answer = f"None of {count(limited, 'project')} with a limit has used more than 80% of it."
        if limited == 1:
            answer = "The only project with a limit has used at most 80% of it."
    else:
        named = [
            f"{name_or_id(r.project_name, r.project_id)} ({r.share:,.0%})" for r in rows(nearly)
        ]
        answer = (
            f"{count(len(nearly), 'project')} {have(len(nearly))} used more than 80% of the "
            f"month's limit: {join_names(named)}."
        )
    drawn = []
    if limited or budgets["used_vuh"].sum() > 0:
        drawn = [draw("vuh_budget", lambda: plots.vuh_budget(budgets), f"VUh and limits. {answer}")]
    return Section("budget", "VUh limits of this month", answer, drawn, ["vuh_budget"])


def results(account: Account) -> Section:
    """Show which load tests fail, and since when."""
    by_load_test, timeline = account.tables["test_results"], account.tables["results_timeline"]
    failing = by_load_test[by_load_test["failing_since"].notna()].sort_values("failing_since")
    if by_load_test.empty:
        answer = "No load test has run in the last 90 days."
    elif failing.empty:
        answer = "No load test failed in its last run."
    else:
        named = [
            f"{name_or_id(r.load_test_name, r.load_test_id)} since {r.failing_since:%Y-%m-%d}"
            for r in rows(failing)
        ]
        verb = "fails" if len(failing) == 1 else "fail"
        answer = f"{count(len(failing), 'load test')} {verb}: {join_names(named)}."
    drawn = [
        draw(
            "results_timeline",
            lambda: plots.results_timeline(timeline),
            f"Results of test runs per week. {answer}",
        )
    ]
    if len(by_load_test):
        drawn.append(
            draw(
                "test_results",
                lambda: plots.test_results(by_load_test),
                "Results of each load test in 90 days, those with the lowest pass rate first.",
            )
        )
    shown = failing[["load_test_name", "project_name", "failing_since", "last_run", "pass_rate"]]
    return Section(
        "results",
        "Load tests that fail",
        answer,
        drawn,
        ["test_results", "results_timeline", "test_run_details"],
        preview(shown, [_load_test_link(account, row) for row in rows(failing)]),
    )


def flaky(account: Account) -> Section:
    """Show which load tests change back and forth between passed and failed."""
    found = account.tables["flaky_tests"]
    changing = found[found["changes"] > 1]
    answer = "No load test changes back and forth between passed and failed."
    if len(changing):
        worst = next(rows(changing))
        answer = (
            f"{name_or_id(worst.load_test_name, worst.load_test_id)} changes most: its result "
            f"changed {count(worst.changes, 'time')} in {count(worst.finished_runs, 'run')}."
        )
    drawn = []
    if len(found):
        drawn = [
            draw("flaky_tests", lambda: plots.flaky_tests(found), f"Changes of results. {answer}")
        ]
    return Section("flaky", "Load tests with changing results", answer, drawn, ["flaky_tests"])


def slower(account: Account) -> Section:
    """Show which load tests got slower."""
    changes = account.tables["metric_changes"]
    compared = changes[changes["change"].notna()]
    increased = compared[compared["change"] > SLOWER]
    if compared.empty:
        answer = "No load test has the metrics of enough runs to compare them."
    elif increased.empty:
        answer = "The p95 of no load test is more than 10% above that of the five runs before."
    else:
        named = [
            f"{name_or_id(r.load_test_name, r.load_test_id)} (+{r.change:,.0%})"
            for r in rows(increased)
        ]
        answer = f"Slower than in the five runs before, by p95: {join_names(named)}."
    drawn = []
    if len(compared):
        drawn = [
            draw(
                "metric_changes", lambda: plots.metric_changes(changes), f"Changes of p95. {answer}"
            )
        ]
    return Section(
        "metrics",
        "Load tests that got slower",
        answer,
        drawn,
        ["metric_changes", "metric_values"],
    )


def schedules(account: Account) -> Section:
    """Show what is scheduled next."""
    scheduled = account.tables["scheduled_runs"]
    answer = "Nothing is scheduled."
    if len(scheduled):
        first = next(rows(scheduled))
        answer = (
            f"{count(len(scheduled), 'schedule')} {are(len(scheduled))} active; next is "
            f"{name_or_id(first.load_test_name, first.load_test_id)} on "
            f"{first.next_run:%Y-%m-%d %H:%M} UTC."
        )
    shown = scheduled[["load_test_name", "next_run", "recurrence", "until"]]
    return Section(
        "schedules",
        "Scheduled test runs",
        answer,
        tables=["scheduled_runs", "schedules"],
        preview=preview(shown, [_load_test_link(account, row) for row in rows(scheduled)]),
    )


def idle_load_tests(account: Account) -> Section:
    """Show which load tests are not used any more."""
    title = "Load tests without runs"
    idle = account.tables["idle_load_tests"]
    if account.tables["load_tests"].empty:
        return Section("idle-load-tests", title, "There are no load tests.")
    if idle.empty:
        answer = "No load test has been without runs for 90 days."
        return Section("idle-load-tests", title, answer)
    answer = f"{count(len(idle), 'load test')} {have(len(idle))} not run for 90 days or more."
    plot = draw("idle_load_tests", lambda: plots.idle_load_tests(idle), answer)
    return Section("idle-load-tests", title, answer, [plot], ["idle_load_tests"])


def _load_test_link(account: Account, row: Any) -> str | None:
    """Return the address of a load test in Grafana, if that of its stack is known."""
    url = account.stack_urls.get(int(row.stack_id))
    return f"{url}/a/k6-app/tests/{row.load_test_id}" if url else None
