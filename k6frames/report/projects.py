"""Sections about organizations and their projects."""

from __future__ import annotations

from k6frames import plots
from k6frames.plots.labels import format_share
from k6frames.report.account import Account
from k6frames.report.elements import Section, draw, preview
from k6frames.report.words import are, count, have, quote_name, were


def organizations(account: Account) -> Section:
    """Show how many projects each organization has."""
    summary = account.tables["projects_per_organization"]
    tables = ["projects_per_organization", "organizations", "projects", "organization_projects"]
    title = "Projects per organization"
    if account.tables["projects"].empty:
        if account.tables["organizations"].empty:
            answer = "There are no organizations."
        elif summary.empty:  # `join_projects` leaves out organizations whose projects failed
            answer = "The projects could not be read."
        else:
            answer = "There are no projects."
        return Section("organizations", title, answer, tables=tables)
    first = next(summary.itertuples())
    name = quote_name(first.org_name, first.org_id)
    if len(summary) == 1:
        answer = f"{name} has {count(len(account.tables['projects']), 'project')}."
    else:
        total = int(summary["projects"].sum())
        answer = (
            f"{name} has the most projects: {first.projects:,} of {total:,} "
            f"({format_share(float(summary['share'].iloc[0]))})."
        )
    plot = draw(
        "projects_per_organization",
        lambda: plots.projects_per_organization(summary),
        f"Projects per organization. {answer}",
    )
    return Section("organizations", title, answer, [plot], tables)


def growth(account: Account) -> Section:
    """Show when projects were created."""
    summary, timeline = account.tables["account_summary"], account.tables["creation_timeline"]
    created = int(summary["created_365_days"].iloc[0])
    undated = int(summary["undated_projects"].iloc[0])
    if created:
        answer = f"{count(created, 'project')} {were(created)} created in the last 365 days."
    else:
        answer = "No project was created in the last 365 days."
    if undated:
        answer += (
            f" {count(undated, 'project')} without a creation date {are(undated)} not counted."
        )
    drawn = []
    if len(timeline):
        drawn.append(
            draw(
                "creation_timeline",
                lambda: plots.creation_timeline(timeline),
                f"Projects created over time. {answer}",
            )
        )
    by_organization = account.tables["creation_timeline_by_organization"]
    if by_organization["org_id"].nunique() > 1:
        names = account.tables["organizations"].set_index("org_id")["name"]
        named = by_organization.assign(org_name=by_organization["org_id"].map(names))
        drawn.append(
            draw(
                "creation_timeline_by_organization",
                lambda: plots.creation_timeline(named),
                "The number of projects of the largest organizations over time.",
            )
        )
    return Section(
        "growth",
        "Projects created over time",
        answer,
        drawn,
        ["creation_timeline", "creation_timeline_by_organization"],
    )


def idle_projects(account: Account) -> Section:
    """Show which projects are no longer used."""
    idle, total = account.tables["idle_projects"], len(account.tables["projects"])
    activity = "updated or tested" if account.has_test_runs else "updated"
    if idle.empty:
        answer = "No project has been idle for 180 days."
    else:
        answer = (
            f"{len(idle):,} of {count(total, 'project')} {have(len(idle))} not been {activity} for "
            "180 days or more."
        )
    if not account.has_test_runs:
        answer += " Test runs are not considered, because none could be read."
    drawn = []
    if len(idle):
        drawn = [draw("idle_projects", lambda: plots.idle_projects(idle), answer)]
    columns = ["project_name", "org_name", "project_updated", "last_run", "idle_days"]
    if not account.has_test_runs:
        columns.remove("last_run")
    return Section(
        "idle-projects",
        f"Projects not {activity} in 180 days",
        answer,
        drawn,
        ["idle_projects"],
        preview(idle[columns]),
    )


def shared_names(account: Account) -> Section:
    """Show which project names several organizations use."""
    names = account.tables["shared_names"]
    if names.empty:
        answer = "No project name is used by several organizations."
    else:
        first = next(names.itertuples())
        answer = (
            f"{count(len(names), 'project name')} {are(len(names))} used by several organizations, "
            f"most often “{first.project_name}” (by {first.organizations:,} organizations)."
        )
    return Section(
        "shared-names",
        "Project names that several organizations use",
        answer,
        tables=["shared_names"],
        preview=preview(names),
    )
