"""Joins and summaries as an experienced user of pandas would write them.

They take the same typed frames and return the same figures as k6frames, without checks of types and
keys. Names and order of columns may differ.
"""

from __future__ import annotations

import pandas as pd
from synthetic_frames import AS_OF, Frames

COSTS = ["total_vuh", "protocol_vuh", "browser_vuh"]
LOAD_TEST = ["stack_id", "load_test_id"]
PROJECT = ["stack_id", "project_id"]
FAILURES = ["failed", "error"]


def join_projects(frames: Frames) -> pd.DataFrame:
    """Join projects with the public columns of their organizations."""
    public = ["org_id", "name", "owner_id", "description", "created", "updated", "is_default"]
    organizations = frames.organizations[public]
    return organizations.merge(
        frames.projects, on="org_id", how="left", suffixes=("_organization", "_project")
    )


def join_test_runs(frames: Frames) -> pd.DataFrame:
    """Join test runs with the names of their load tests and projects."""
    tests = frames.load_tests[[*LOAD_TEST, "name"]]
    projects = frames.stack_projects[[*PROJECT, "name"]]
    return frames.test_runs.merge(
        tests.rename(columns={"name": "load_test_name"}), on=LOAD_TEST, how="left"
    ).merge(projects.rename(columns={"name": "project_name"}), on=PROJECT, how="left")


def usage(frames: Frames) -> pd.DataFrame:
    """Sum the costs of ended runs, and the estimates of the others, per project and month."""
    runs = frames.details
    ended = runs["ended"].notna()
    columns = runs[COSTS].where(ended, 0.0).fillna(0.0)
    columns["estimated_vuh"] = runs["total_vuh"].where(~ended, 0.0).fillna(0.0)
    columns["test_runs"] = 1
    months = runs["created"].dt.tz_convert(None).dt.to_period("M")
    sums = columns.groupby([months, runs["stack_id"], runs["project_id"]]).sum()
    # Unstacking and stacking again adds the months without runs.
    return sums.unstack([1, 2], fill_value=0).stack([1, 2])  # noqa: PD010, PD013


def test_results(frames: Frames) -> pd.DataFrame:
    """Count the results of the last 90 days per load test, and find since when each fails."""
    runs = frames.details[frames.details["created"] <= AS_OF]
    result, ended = runs["result"], runs["ended"].notna()
    recent = runs["created"] > AS_OF - pd.Timedelta(days=90)
    window = runs.loc[recent, LOAD_TEST].assign(
        passed=result == "passed",
        failed=result == "failed",
        errors=result == "error",
        aborted=ended & result.isna(),
        under_way=~ended,
        test_runs=1,
        duration=runs["execution_duration"].where(ended),
        vuh=runs["total_vuh"].where(ended),
    )
    by_test = window.groupby(LOAD_TEST)
    summary = by_test.sum().drop(columns="duration")
    summary["median_duration"] = by_test["duration"].median()
    last = ["load_test_name", "project_id", "project_name", "created", "result"]
    summary = summary.join(runs.groupby(LOAD_TEST)[last].last())
    last_passed = runs[result == "passed"].groupby(LOAD_TEST)["created"].max()
    failures = runs.loc[result.isin(FAILURES), [*LOAD_TEST, "created"]]
    failures = failures.join(last_passed.rename("last_passed"), on=LOAD_TEST)
    is_later = failures["last_passed"].isna() | (failures["created"] > failures["last_passed"])
    summary["failing_since"] = failures[is_later].groupby(LOAD_TEST)["created"].min()
    with_result = summary[["passed", "failed", "errors"]].sum(axis=1)
    return summary.assign(pass_rate=summary["passed"] / with_result).sort_values("pass_rate")


def projects_per_organization(frames: Frames) -> pd.DataFrame:
    """Count the projects of each organization."""
    summary = frames.organization_projects.groupby("org_id").agg(
        org_name=("org_name", "first"),
        projects=("project_id", "count"),
        first_created=("project_created", "min"),
        last_created=("project_created", "max"),
        last_updated=("project_updated", "max"),
    )
    summary["share"] = summary["projects"] / summary["projects"].sum()
    return summary.sort_values("projects", ascending=False)


def creation_timeline(frames: Frames) -> pd.DataFrame:
    """Count the projects created per month."""
    created = frames.organization_projects["project_created"].dropna()
    counts = created.dt.tz_convert(None).dt.to_period("M").value_counts().sort_index()
    counts = counts.reindex(pd.period_range(counts.index[0], counts.index[-1]), fill_value=0)
    return pd.DataFrame({"created": counts, "cumulative": counts.cumsum()})


def idle_projects(frames: Frames) -> pd.DataFrame:
    """Find the projects that were not updated for 180 days."""
    projects = frames.organization_projects
    age = AS_OF - projects["project_updated"]
    columns = [
        "org_id", "org_name", "project_id", "project_name", "project_created", "project_updated",
    ]  # fmt: skip
    idle = projects.loc[age >= pd.Timedelta(days=180), columns].assign(idle_days=age.dt.days)
    return idle.sort_values(["project_updated", "project_id"], ignore_index=True)


def shared_names(frames: Frames) -> pd.DataFrame:
    """Find the project names that several organizations use."""
    projects = frames.organization_projects.dropna(subset=["project_id", "project_name"])
    names = projects.groupby("project_name").agg(
        organizations=("org_id", "nunique"), projects=("project_id", "count")
    )
    names = names[names["organizations"] > 1]
    return names.sort_values(["organizations", "projects"], ascending=False)


def account_summary(frames: Frames) -> dict[str, object]:
    """Count organizations and projects, and how many are new or idle."""
    rows = frames.organization_projects
    projects = rows[rows["project_id"].notna()]
    created = projects["project_created"]
    age = (AS_OF - created).dt.days
    per_organization = rows.groupby("org_id")["project_id"].count()
    return {
        "organizations": len(per_organization),
        "empty_organizations": (per_organization == 0).sum(),
        "projects": len(projects),
        "undated_projects": created.isna().sum(),
        "created_30_days": age.between(0, 29).sum(),
        "created_365_days": age.between(0, 364).sum(),
        "idle_180_days": ((AS_OF - projects["project_updated"]).dt.days >= 180).sum(),
        "first_created": created.min(),
        "last_created": created.max(),
    }
