"""Commands show what the functions of the library return."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from v6_server import Refusal, V6Server, make_stack

import k6frames
from k6frames.api.package_data import data_folder


def frame_from(result) -> pd.DataFrame:
    """Return the rows that a command wrote as JSON."""
    assert result.exit_code == 0, result.output
    return pd.DataFrame(json.loads(result.stdout))


def assert_same(shown: pd.DataFrame, expected: pd.DataFrame, *keys: str) -> None:
    """Compare the columns that both have, row by row in the order of the keys."""
    assert set(expected.columns) <= set(shown.columns)
    plain = json.loads(expected.to_json(orient="records", date_format="iso", double_precision=15))
    wanted = pd.DataFrame(plain, columns=expected.columns).sort_values([*keys], ignore_index=True)
    found = shown[list(expected.columns)].sort_values([*keys], ignore_index=True)
    for name in expected.columns:
        if expected[name].dtype.kind == "M":
            for frame in (wanted, found):
                frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True)
                frame[name] = frame[name].dt.floor("ms")
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


@pytest.fixture
def details(sample) -> pd.DataFrame:
    return k6frames.test_run_details_df(client=sample)


def test_usage_is_the_summary_with_the_newest_period_first(run, sample, details) -> None:
    shown = frame_from(run("usage", "--sample", "--json", "-"))
    assert_same(shown, k6frames.usage(details, until=sample.as_of), "period", "project_id")
    assert shown["period"].is_monotonic_decreasing
    newest = shown[shown["period"] == shown["period"].iloc[0]]
    assert newest["vuh"].is_monotonic_decreasing


def test_usage_by_label_and_total_within_a_time(run, sample) -> None:
    since = ("--since", "2026-03-01", "--until", "2026-05-01")
    runs = k6frames.test_run_details_df(
        created_after="2026-03-01", created_before="2026-05-01", client=sample
    )
    shown = frame_from(run("usage", "--sample", *since, "--by", "total", "--json", "-"))
    assert_same(shown, k6frames.usage(runs, by=None, until="2026-04-30"), "period")
    assert len(shown) == 2
    options = ("--by", "team", "--freq", "quarter", "--json", "-")
    labels = k6frames.project_labels_df(client=sample)
    expected = k6frames.usage(runs, by="team", freq="QS", project_labels=labels)
    expected = expected[expected["period"] <= "2026-04-30"]
    assert_same(frame_from(run("usage", "--sample", *since, *options)), expected, "period", "value")


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ("--last 1", "2026-06-01"),
        ("--last 3", "2026-04-01"),
        ("--last 2 --freq week", "2026-06-22"),  # 2026-06-29, the day of the account, is a Monday
        ("--last 7 --freq day", "2026-06-23"),
        ("--last 1 --freq quarter", "2026-04-01"),
        ("--last 2 --freq year", "2025-01-01"),
        ("--last 2 --until 2026-03-01", "2026-01-01"),
    ],
)
def test_last_shows_the_newest_periods_completely(options: str, first: str, run) -> None:
    arguments = ["usage", "--sample", "--by", "total", "--json", "-", *options.split()]
    shown = frame_from(run(*arguments))
    assert shown["period"].min() == f"{first}T00:00:00Z"
    assert len(shown) == int(options.split()[1])
    all_periods = frame_from(run(*arguments[:6], *options.split()[2:]))
    assert_same(shown, all_periods.head(len(shown)), "period")


def test_last_and_since_together_are_wrong_usage(run) -> None:
    result = run("usage", "--sample", "--last", "1", "--since", "2026-01-01")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: Use --last or --since, not both")


def test_unknown_label_is_an_error_that_lists_all_labels(run) -> None:
    result = run("usage", "--sample", "--by", "taem")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: --by: no project has a label 'taem'. Use one of project, load-test, stack, total, "
        "cost_center, environment, team.\n"
    )


@pytest.mark.parametrize("as_of", [None, "2026-03-15"])
def test_results_and_budget_look_back_from_the_time_of_the_account(
    as_of, run, sample, details
) -> None:
    options = ("--as-of", as_of) if as_of else ()
    now = as_of or sample.as_of
    shown = frame_from(run("results", "--sample", "--days", "30", *options, "--json", "-"))
    expected = k6frames.test_results(details, as_of=now, days=30)
    assert_same(shown, expected, "load_test_id")
    assert shown["load_test_id"].tolist() == expected["load_test_id"].tolist()

    shown = frame_from(run("budget", "--sample", *options, "--json", "-"))
    limits = k6frames.project_limits_df(client=sample)
    projects = k6frames.stack_projects_df(client=sample)
    expected = k6frames.vuh_budget(details, limits, as_of=now, stack_projects=projects)
    assert_same(shown, expected, "project_id")


def test_idle_lists_projects_and_load_tests_in_one_table(run, sample, details) -> None:
    shown = frame_from(run("idle", "--sample", "--days", "200", "--json", "-"))
    projects = k6frames.idle_projects(
        k6frames.organization_projects_df(client=sample),
        days=200, as_of=sample.as_of, test_runs=details,
    )  # fmt: skip
    tests = k6frames.idle_load_tests(
        k6frames.load_tests_df(client=sample), details, days=200, as_of=sample.as_of
    )
    assert shown["idle_days"].is_monotonic_decreasing
    by_kind = dict(list(shown.groupby("kind")))
    assert set(by_kind["project"]["id"]) == set(projects["project_id"])
    assert set(by_kind["load test"]["id"]) == set(tests["load_test_id"])
    assert by_kind["load test"]["idle_days"].sum() == tests["idle_days"].sum()


def test_schedules_are_the_next_runs_in_words_or_all_schedules(run, sample) -> None:
    schedules = k6frames.schedules_df(client=sample)
    load_tests = k6frames.load_tests_df(client=sample)
    shown = frame_from(run("schedules", "--sample", "--json", "-"))
    assert_same(shown, k6frames.scheduled_runs(schedules, load_tests), "schedule_id")
    assert "every 12 hours" in set(shown["recurrence"])
    including_inactive = frame_from(
        run("schedules", "--sample", "--all", "--private", "--json", "-")
    )
    assert_same(including_inactive, schedules, "schedule_id")
    assert len(including_inactive) > len(shown)


def test_metrics_are_the_values_with_time_and_result_of_the_runs(run, sample) -> None:
    options = ("--by", "name", "--last", "3", "--json", "-")
    shown = frame_from(run("metrics", "card payment", "--sample", *options))
    values = k6frames.metric_values_df(735140, by=["name"], last=3, client=sample)
    assert_same(shown, values, "test_run_id", "series")
    runs = k6frames.test_runs_df(client=sample).set_index("test_run_id")
    assert shown["result"].tolist() == runs["result"].loc[shown["test_run_id"]].tolist()


def test_projects_of_a_stack_are_those_of_v6(run, sample) -> None:
    shown = frame_from(run("projects", "--sample", "--stack", "48213", "--json", "-"))
    assert_same(shown, k6frames.stack_projects_df(client=sample), "project_id")
    result = run("projects", "--sample", "--stack", "48213", "--org", "1013")
    assert result.exit_code == 2


def test_projects_have_the_name_of_their_organization(run, sample) -> None:
    shown = frame_from(run("projects", "--sample", "--json", "-"))
    assert_same(shown, k6frames.projects_df(client=sample), "project_id")
    names = k6frames.organizations_df(client=sample).set_index("org_id")["name"]
    assert shown["org_name"].tolist() == names.loc[shown["org_id"]].tolist()


# --- the summary, and accounts without organizations or without stacks --------------------------


def test_summary_has_the_numbers_of_organizations_and_stacks(run, sample, details) -> None:
    lines = run("summary", "--sample").stdout.splitlines()
    assert len(lines) == 14
    assert lines[0].split() == ["organizations", "12"]
    assert " ".join(lines[5].split()) == "not updated in 180 days 234"
    numbers = json.loads(run("summary", "--sample", "--json").stdout)
    month = details[details["created"] >= "2026-06-01"]
    assert numbers["test_runs_this_month"] == len(month)
    assert numbers["vuh_this_month"] == pytest.approx(
        month.loc[month["ended"].notna(), "total_vuh"].sum(), abs=1e-9
    )
    projects = k6frames.organization_projects_df(client=sample)
    expected = k6frames.account_summary(projects, as_of=sample.as_of).iloc[0]
    assert numbers["idle_180_days"] == expected["idle_180_days"]
    assert pd.Timestamp(numbers["as_of"]) == sample.as_of
    assert run("summary", "--sample", "--json", "a.json").stdout == ""
    assert json.loads(Path("a.json").read_text()) == numbers
    refused = run("summary", "--sample", "--json", "a.csv")
    assert refused.stderr.startswith("Error: --json: The extension .csv of a.csv does not fit ")


@pytest.fixture
def account(tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of the sample account, from which a test removes something."""
    folder = tmp_path / "account"
    shutil.copytree(data_folder("samples"), folder)
    monkeypatch.setenv("K6FRAMES_API_URL", folder.as_uri())
    return folder


def remove_stacks(account: Path) -> None:
    shutil.rmtree(account / "stacks")
    manifest = json.loads((account / "account.json").read_text())
    (account / "account.json").write_text(json.dumps({**manifest, "stacks": []}))


def test_account_without_a_stack_shows_organizations_and_a_note(account, run) -> None:
    remove_stacks(account)
    result = run("summary")
    assert result.exit_code == 0
    assert result.stdout.startswith("organizations  ")
    assert "load tests" not in result.stdout
    assert result.stderr.startswith("Note: Load tests and test runs are left out. ")
    assert json.loads(run("summary", "--json").stdout)["load_tests"] is None
    assert set(frame_from(run("idle", "--json", "-"))["kind"]) == {"project"}
    failed = run("summary", "--stack", "48213")  # a stack must be readable if the user names it
    assert (failed.exit_code, failed.stdout) == (1, "")


def test_account_without_v3_shows_the_stack_and_a_note(account, run) -> None:
    (account / "v3" / "organizations.json").unlink()
    result = run("summary")
    assert result.exit_code == 0
    assert result.stdout.startswith("load tests  ")
    assert result.stderr.startswith("Note: Organizations and their projects are left out. ")
    assert set(frame_from(run("idle", "--json", "-"))["kind"]) == {"load test"}
    remove_stacks(account)
    failed = run("summary")
    assert (failed.exit_code, failed.stdout) == (1, "")
    note, error = failed.stderr.splitlines()
    assert note.startswith("Note: Load tests and test runs are left out. ")
    assert error.startswith("Error: /v3/organizations: ")


def test_offline_the_cached_stack_is_shown_even_if_organizations_are_not_cached(
    run, token, monkeypatch
) -> None:
    with V6Server(make_stack(11, runs=5), token=token) as server:
        monkeypatch.setenv("K6FRAMES_API_URL", server.url)
        monkeypatch.setenv("K6_CLOUD_TOKEN", token)
        monkeypatch.setenv("K6_CLOUD_STACK_ID", "11")
        online = run("summary")
        offline = run("summary", "--offline")
    assert (online.exit_code, offline.exit_code) == (0, 0), offline.stderr
    assert offline.stdout.splitlines()[:-1] == online.stdout.splitlines()[:-1]
    assert "/v3/organizations is not in the cache" in offline.stderr


def test_error_of_the_stack_is_shown_if_organizations_cannot_be_read_either(account, run) -> None:
    (account / "v3" / "organizations.json").unlink()
    for options in ((), ("--stack", "48213")):
        (account / "stacks" / "48213" / "cloud" / "v6" / "load_tests.json").unlink(missing_ok=True)
        failed = run("summary", *options)
        assert (failed.exit_code, failed.stdout) == (1, "")
        assert failed.stderr.startswith("Error: ")
        assert "/cloud/v6/load_tests" in failed.stderr


def test_organization_that_cannot_be_read_is_an_error_or_a_warning(account, run) -> None:
    (account / "v3" / "organizations" / "1013" / "projects.json").unlink()
    failed = run("projects")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.startswith("Error: organization 1013 (Marmalade Parcel Works): ")
    assert failed.stderr.endswith(". To read the rest without it, pass --on-error warn.\n")
    warned = run("projects", "--on-error", "warn")
    assert warned.exit_code == 0
    assert warned.stdout.count("\n") == 209
    # The summary leaves out all organizations, because their numbers would be incomplete.
    assert "Marmalade" in run("summary").stderr


def test_stack_that_refuses_access_is_one_warning_per_command(run, token, monkeypatch) -> None:
    def refuse(request) -> None:
        if request.stack == "11":
            raise Refusal(403, "no")

    with V6Server(make_stack(11, runs=5), make_stack(22, runs=5), token=token) as server:
        server.before = refuse
        monkeypatch.setenv("K6FRAMES_API_URL", server.url)
        monkeypatch.setenv("K6_CLOUD_TOKEN", token)
        options = ("--stack", "11", "--stack", "22", "--on-error", "warn")
        for _ in range(2):
            result = run("usage", *options)
            assert result.exit_code == 0
            assert result.stderr.count("Warning: ") == 1
            assert "(stack 11): HTTP 403" in result.stderr


def test_stack_whose_id_is_not_found_is_left_out_with_a_warning(run, token, monkeypatch) -> None:
    with V6Server(make_stack(11, runs=5), token=token) as server:
        monkeypatch.setenv("K6FRAMES_API_URL", server.url)
        monkeypatch.setenv("K6_CLOUD_TOKEN", token)
        options = ("--stack", "11", "--stack", "unknown", "--on-error", "warn")
        result = run("load-tests", *options)
        assert result.exit_code == 0, result.stderr
        assert "unknown.grafana.net" in result.stderr
        assert run("load-tests", *options[:-2]).exit_code == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("usage", "No test runs."),
        ("results --days 1", "No test runs in the last day."),
        ("test-runs", "No test runs."),
        ("budget", "No projects."),
        ("load-tests", "No load tests."),
        ("schedules", "No scheduled runs."),
        ("limits", "No projects with limits."),
        ("projects --stack 48213", "No projects."),
        ("idle", "No idle projects or load tests."),
    ],
)
def test_empty_account_is_a_sentence_on_a_terminal_and_a_header_in_a_pipe(
    command: str, words: str, account, run, terminal
) -> None:
    (account / "v3" / "organizations.json").write_text('{"organizations": []}')
    for name in ("load_tests", "test_runs", "projects", "project-limits", "schedules"):
        file = account / "stacks" / "48213" / "cloud" / "v6" / f"{name}.json"
        file.write_text('{"value": []}')
    assert run(*command.split()).stdout.count("\n") == 1
    terminal(80)
    assert run(*command.split()).stdout == f"{words}\n"
