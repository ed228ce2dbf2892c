"""Sections about load tests and their runs: usage, limits, results, metrics and schedules."""

from __future__ import annotations

import pandas as pd

from k6frames import plots
from k6frames.loaders.metric_queries import frequent_load_tests
from k6frames.plots.labels import format_number
from k6frames.report.account import Account
from k6frames.report.elements import Section, draw, preview
from k6frames.report.words import are, count, have, join_names, quote_name
from k6frames.summaries.results import FLAKY_RUNS

MAX_USED_SHARE = 0.8
"""A project is listed if it has used more than this share of its limit."""
MAX_INCREASE = 0.1
"""A load test is listed as slower if its p95 increased by more than this share."""


def usage(account: Account) -> Section:
    """Show how many VUh each project uses."""
    total, by_project = account.tables["usage"], account.tables["usage_by_project"]
    if total.empty:
        return Section("usage", "Usage per month", "No test run has been created yet.")
    newest = total.iloc[-1]
    month = f"{newest['period']:%Y-%m}"
    if newest["vuh"] > 0:
        in_month = by_project[by_project["period"] == newest["period"]]
        largest = next(in_month.nlargest(1, "vuh").itertuples())
        answer = (
            f"{format_number(newest['vuh'])} VUh (virtual user hours) have been used in {month} so "
            f"far, {largest.vuh / newest['vuh']:.0%} of them by "
            f"{quote_name(largest.project_name, largest.project_id)}."
        )
    else:
        answer = f"No VUh (virtual user hours) have been used in {month} so far."
    estimated = total["estimated_vuh"].sum()
    if estimated:
        answer += f" Runs under way may add {format_number(estimated)} VUh."
    if len(total) > 1:
        since = f"{total['period'].iloc[0]:%Y-%m}"
        answer += f" The total since {since} is {format_number(total['vuh'].sum())} VUh."
    plot = draw("usage", lambda: plots.usage(by_project), f"VUh per month and project. {answer}")
    tables = ["usage", "usage_by_project", "usage_by_load_test"]
    tables += ["usage_by_label"] if "usage_by_label" in account.tables else []
    return Section("usage", "Usage per month", answer, [plot], tables)


def largely_used(budgets: pd.DataFrame) -> pd.DataFrame:
    """Return the budgets of which more than 80% is used; of a limit of 0, if anything is used."""
    return budgets[budgets["used_vuh"] > MAX_USED_SHARE * budgets["limit_vuh"]]


def budget(account: Account) -> Section:
    """Show whether projects stay below their VUh limits this month."""
    budgets = account.tables["vuh_budget"]
    limited = int(budgets["limit_vuh"].notna().sum())
    used_up = largely_used(budgets)
    if not limited:
        answer = "No project has a limit."
    elif used_up.empty:
        answer = f"No project has used more than {MAX_USED_SHARE:.0%} of its limit."
    else:
        names = []
        for row in used_up.itertuples():
            share = f"{row.share:,.0%}" if row.limit_vuh else "its limit is 0"
            names.append(f"{quote_name(row.project_name, row.project_id)} ({share})")
        limits = "its monthly limit" if len(used_up) == 1 else "their monthly limits"
        answer = (
            f"{count(len(used_up), 'project')} {have(len(used_up))} used more than "
            f"{MAX_USED_SHARE:.0%} of {limits}: {join_names(names)}."
        )
    is_exceeded = budgets["used_vuh"] > budgets["limit_vuh"]
    exceeding = budgets[(budgets["expected_vuh"] > budgets["limit_vuh"]) & ~is_exceeded]
    if len(exceeding):
        names = [quote_name(row.project_name, row.project_id) for row in exceeding.itertuples()]
        limits = "its limit" if len(exceeding) == 1 else "their limits"
        answer += (
            f" At the current rate, {join_names(names)} will exceed {limits} before the end of the "
            "month."
        )
    drawn = []
    if limited or budgets["used_vuh"].sum() > 0:
        drawn = [draw("vuh_budget", lambda: plots.vuh_budget(budgets), f"VUh and limits. {answer}")]
    return Section("budget", "VUh limits this month", answer, drawn, ["vuh_budget"])


def results(account: Account) -> Section:
    """Show which load tests fail, and since when."""
    by_load_test, timeline = account.tables["test_results"], account.tables["results_timeline"]
    failing = by_load_test[by_load_test["failing_since"].notna()].sort_values("failing_since")
    if by_load_test.empty:
        answer = "No load test has run in the last 90 days."
    elif failing.empty:
        answer = "No load test failed in its last run."
    else:
        names = [
            f"{quote_name(row.load_test_name, row.load_test_id)} since {row.failing_since:%Y-%m-%d}"
            for row in failing.itertuples()
        ]
        answer = f"{count(len(failing), 'load test')} {are(len(failing))} failing: "
        answer += f"{join_names(names)}."
    if len(by_load_test):
        answer += " Pass rates cover the last 90 days."
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
                "Results of the load tests with the lowest pass rates in the last 90 days.",
            )
        )
    shown = failing[["load_test_name", "project_name", "failing_since", "last_run", "pass_rate"]]
    return Section(
        "results",
        "Failing load tests",
        answer,
        drawn,
        ["test_results", "results_timeline", "test_run_details"],
        preview(shown, _load_test_urls(failing, account)),
    )


def flaky(account: Account) -> Section:
    """Show the load tests whose result changed more than once in their last runs."""
    flaky_tests = account.tables["flaky_tests"]
    if flaky_tests.empty:
        answer = (
            "No load test is flaky: no result has changed more than once in the last "
            f"{FLAKY_RUNS} runs."
        )
    else:
        worst = next(flaky_tests.itertuples())
        answer = (
            f"{quote_name(worst.load_test_name, worst.load_test_id)} is the flakiest load test: "
            f"its result changed {worst.changes} times in the last {worst.finished_runs} runs. "
            "A load test is flaky if its result changed more than once in the last "
            f"{FLAKY_RUNS} runs."
        )
    drawn = []
    if len(flaky_tests):
        drawn = [
            draw("flaky_tests", lambda: plots.flaky_tests(flaky_tests), f"Flaky tests. {answer}")
        ]
    return Section("flaky", "Flaky load tests", answer, drawn, ["flaky_tests"])


def slower(account: Account) -> Section:
    """Show which load tests got slower."""
    changes = account.tables["metric_changes"]
    compared = changes[changes["change"].notna()]
    increased = compared[compared["change"] > MAX_INCREASE]
    # Metrics are read only for load tests that run often. Without one, none are missing.
    with_metrics = frequent_load_tests(account.tables["test_run_details"], account.as_of)
    if with_metrics and account.tables["metric_values"].empty:
        answer = (
            "No response times could be read. The API may no longer have them; a snapshot has them "
            "only if it was written with metrics."
        )
    elif compared.empty:
        answer = "No load test has enough runs with metrics to compare them."
    else:
        names = [
            f"{quote_name(row.load_test_name, row.load_test_id)} (+{row.change:,.0%})"
            for row in increased.itertuples()
        ]
        subject = count(len(names), "load test") if names else "No load test"
        listed = f": {join_names(names)}" if names else ""
        answer = (
            f"{subject} got more than {MAX_INCREASE:.0%} slower{listed}. This compares the median "
            "of the 95th percentiles of response times (p95) in the last five runs with that in up "
            "to five runs before them."
        )
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
    if scheduled.empty:
        answer = "No test run is scheduled."
    else:
        first = next(scheduled.itertuples())
        answer = (
            f"{count(len(scheduled), 'schedule')} {are(len(scheduled))} active; the next run is "
            f"{quote_name(first.load_test_name, first.load_test_id)} on "
            f"{first.next_run:%Y-%m-%d %H:%M} UTC."
        )
    shown = scheduled[["load_test_name", "next_run", "recurrence"]]
    return Section(
        "schedules",
        "Scheduled test runs",
        answer,
        tables=["scheduled_runs", "schedules"],
        preview=preview(shown, _load_test_urls(scheduled, account)),
    )


def idle_load_tests(account: Account) -> Section:
    """Show which load tests are no longer used."""
    title = "Load tests not run in 90 days"
    idle, total = account.tables["idle_load_tests"], len(account.tables["load_tests"])
    if not total:
        return Section("idle-load-tests", title, "There are no load tests.")
    if idle.empty:
        return Section("idle-load-tests", title, "No load test has been idle for 90 days.")
    answer = (
        f"{len(idle):,} of {count(total, 'load test')} {have(len(idle))} not run for 90 days or "
        "more."
    )
    plot = draw("idle_load_tests", lambda: plots.idle_load_tests(idle), answer)
    shown = idle[["load_test_name", "load_test_created", "last_run", "idle_days"]]
    return Section(
        "idle-load-tests",
        title,
        answer,
        [plot],
        ["idle_load_tests"],
        preview(shown, _load_test_urls(idle, account)),
    )


def _load_test_urls(frame: pd.DataFrame, account: Account) -> list[str | None]:
    """Return the URL of each load test in Grafana; None if the URL of its stack is unknown."""
    stack_urls = [account.stack_urls.get(int(stack_id)) for stack_id in frame["stack_id"]]
    return [
        f"{url}/a/k6-app/tests/{load_test_id}" if url else None
        for url, load_test_id in zip(stack_urls, frame["load_test_id"], strict=True)
    ]
