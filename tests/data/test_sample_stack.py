"""The sample account's stack: its load tests and test runs have a story to tell in every table."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sample_account import load_tests as declared
from sample_account.rhythms import OnDemand, upcoming_release

from k6frames import tables
from k6frames.parsing import read

STACK = Path(__file__).parents[2] / "data/samples/stacks/48213/cloud/v6"
PAYMENTS = 1324584

DOCUMENTED_FIELDS = {
    "projects": "id name is_default grafana_folder_uid created updated",
    "load_tests": "id project_id name created updated k6_version baseline_test_run_id",
    "test_runs": "id test_id project_id started_by created ended note retention_expiry cost status "
    "status_details status_history distribution result result_details options k6_dependencies "
    "k6_versions max_vus max_browser_vus estimated_duration execution_duration is_starred",
    "schedules": "id load_test_id starts deactivated next_run created_by recurrence_rule cron",
    "project-limits": "project_id vuh_max_per_month vu_max_per_test vu_browser_max_per_test "
    "duration_max_per_test",
    "load_zones": "id name k6_load_zone_id available public custom_load_runner_image",
    "labels": "id key description",
}
UNDOCUMENTED_FIELDS = {
    "projects": {"labels"},  # documented, but it may be absent
    "load_tests": {"script_size"},
    "test_runs": {"test_run_details_page_url"},
}
TABLES = {
    "projects": tables.STACK_PROJECTS,
    "load_tests": tables.LOAD_TESTS,
    "test_runs": tables.TEST_RUNS,
    "schedules": tables.SCHEDULES,
    "project-limits": tables.PROJECT_LIMITS,
    "load_zones": tables.LOAD_ZONES,
}


@pytest.fixture(scope="module")
def ended(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["ended"].notna()]


@pytest.fixture(scope="module")
def schedules(load: Any) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = load("v6/schedules")["value"]
    return records


def vuh_per_month(runs: pd.DataFrame) -> pd.Series[float]:
    return runs.groupby(["project_id", runs["created"].dt.strftime("%Y-%m")])["total_vuh"].sum()


def to_utc(text: str) -> pd.Timestamp:
    time = pd.Timestamp(text)
    return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")


@pytest.mark.parametrize("name", DOCUMENTED_FIELDS)
def test_every_record_has_the_documented_fields(name: str, load: Any) -> None:
    documented = set(DOCUMENTED_FIELDS[name].split())
    fields = [set(record) for record in load(f"v6/{name}")["value"]]
    assert set.intersection(*fields) == documented
    assert set.union(*fields) == documented | UNDOCUMENTED_FIELDS.get(name, set())


@pytest.mark.parametrize("name", TABLES)
def test_every_list_is_a_valid_table(name: str, load: Any) -> None:
    table = TABLES[name]
    body = (STACK / f"{name}.json").read_bytes()
    arrow = read(table, {name: body}, constants={"stack_id": [48213]})
    frame = table.conform(table.to_frame(arrow))
    assert len(frame) == len(load(f"v6/{name}")["value"])


def test_the_account_names_the_stack_and_its_default_project(load: Any) -> None:
    account, auth = load("account"), load("v6/auth")
    assert account["stacks"] == [{"id": 48213, "url": declared.STACK_URL}]
    assert auth == {"stack_id": 48213, "default_project_id": 11534}
    projects = {record["id"]: record for record in load("v6/projects")["value"]}
    assert [i for i, record in projects.items() if record["is_default"]] == [11534]


def test_its_projects_are_projects_of_one_v3_organization(load: Any) -> None:
    in_v3 = {p["id"]: p["name"] for p in load("v3/organizations/1013/projects")["projects"]}
    in_v6 = {p["id"]: p["name"] for p in load("v6/projects")["value"]}
    assert len(in_v6) == 9
    assert in_v6.items() <= in_v3.items()


def test_labels_are_absent_empty_or_of_known_keys(load: Any) -> None:
    projects = load("v6/projects")["value"]
    keys = {label["key"] for label in load("v6/labels")["value"]}
    labels = [project.get("labels") for project in projects]
    assert None in labels
    assert {} in labels
    assert {key for label in labels if label for key in label} == keys
    assert {"team", "environment"} < keys


def test_there_are_40_load_tests_with_readable_names_in_all_projects(load: Any) -> None:
    records = load("v6/load_tests")["value"]
    assert len(records) == 40
    assert len({record["name"] for record in records}) == 40
    assert {record["project_id"] for record in records} == {
        project["id"] for project in load("v6/projects")["value"]
    }
    assert any(not record["name"].isascii() for record in records)
    assert {type(record["k6_version"]) for record in records} == {int, type(None)}


def test_about_3000_runs_are_listed_in_the_order_of_their_creation(
    runs: pd.DataFrame, as_of: pd.Timestamp
) -> None:
    assert 3000 <= len(runs) <= 3100
    assert runs["test_run_id"].is_monotonic_increasing
    assert runs["test_run_id"].is_unique
    to_the_second = runs["created"].dt.floor("s")  # some forms have no fraction
    assert to_the_second.is_monotonic_increasing
    assert runs["created"].min().strftime("%Y-%m") == "2024-01"
    assert as_of - runs["created"].max() < pd.Timedelta("1h")


def test_runs_follow_the_week_and_grow_over_the_years(ended: pd.DataFrame) -> None:
    weekdays = ended["created"].dt.day_of_week.value_counts()
    assert weekdays[[0, 1, 2, 3]].min() > 2 * weekdays[5]
    assert weekdays[6] == weekdays.min()
    half_years = ended["created"].dt.year * 2 + (ended["created"].dt.month > 6)
    assert ended.groupby(half_years).size().is_monotonic_increasing
    vuh = ended.groupby(ended["created"].dt.year)["total_vuh"].sum()
    assert vuh[2025] > 1.5 * vuh[2024]
    assert vuh[2026] > vuh[2024]  # in half a year


def test_people_test_more_before_a_release(runs: pd.DataFrame) -> None:
    on_demand = [
        test.id
        for test in declared.LOAD_TESTS
        if isinstance(test.rhythm, OnDemand) and not test.windows
    ]
    days = pd.Series(pd.bdate_range("2025-01-01", "2026-06-26", tz="UTC"))
    created = runs.loc[runs["load_test_id"].isin(on_demand), "created"].dt.floor("D")
    counts = created.value_counts().reindex(days, fill_value=0)
    before_release = [upcoming_release(day.to_pydatetime()) is not None for day in days]
    assert counts[before_release].mean() > 1.7 * counts[[not x for x in before_release]].mean()
    assert runs["note"].str.match(r"Release 20\d\d\.\d+$").sum() > 50


def test_failures_and_errors_cluster(ended: pd.DataFrame) -> None:
    weeks = ended.groupby(ended["created"].dt.strftime("%G-%V"))["result"]
    share = weeks.agg(lambda results: results.isin(["failed", "error"]).mean())
    assert 0.03 < share.median() < 0.1
    worst = share[share > 0.3]
    assert 6 <= len(worst) <= 15
    assert weeks.agg(lambda results: results.eq("error").sum()).max() > 10


def test_one_load_test_became_flaky(ended: pd.DataFrame) -> None:
    def changes(results: pd.Series[str]) -> int:
        return sum(earlier != later for earlier, later in pairwise(results))

    finished = ended[ended["result"].notna()].groupby("load_test_id")["result"]
    newest = finished.apply(lambda results: changes(results.tail(20)))
    assert newest.idxmax() == declared.FLAKY
    assert newest.max() >= 12
    assert newest.drop(declared.FLAKY).max() <= 8
    before = finished.apply(lambda results: changes(results.iloc[:50]))
    assert before[declared.FLAKY] <= 8


@pytest.mark.parametrize(
    ("load_test_id", "result", "since"),
    [
        (declared.REFUNDS, "failed", "2026-06-01"),
        (declared.FAILING, "failed", "2026-06-25"),
        (702245, "error", "2026-06-16"),
    ],
)
def test_some_load_tests_fail_since_a_known_day(
    load_test_id: int, result: str, since: str, ended: pd.DataFrame
) -> None:
    runs = ended[ended["load_test_id"] == load_test_id]
    last_passed = runs.loc[runs["result"] == "passed", "created"].max()
    after = runs[runs["created"] > last_passed]
    assert set(after["result"]) == {result}
    assert after["created"].min().strftime("%Y-%m-%d") == since


def test_one_load_test_was_never_run_and_one_not_for_two_years(
    runs: pd.DataFrame, as_of: pd.Timestamp, load: Any
) -> None:
    ids = [record["id"] for record in load("v6/load_tests")["value"]]
    last = runs.groupby("load_test_id")["created"].max().reindex(ids)
    assert last[last.isna()].index.tolist() == [808455]
    idle = last[last < as_of - pd.Timedelta("90D")].dt.strftime("%Y-%m")
    assert idle.to_dict() == {604118: "2024-05", 637520: "2025-11", 731855: "2025-12"}


def test_a_few_runs_are_of_a_load_test_that_was_deleted(runs: pd.DataFrame, load: Any) -> None:
    ids = [record["id"] for record in load("v6/load_tests")["value"]]
    assert 1 <= (~runs["load_test_id"].isin(ids)).sum() <= 10


def test_a_handful_of_runs_are_under_way_with_an_estimated_cost(runs: pd.DataFrame) -> None:
    under_way = runs[runs["ended"].isna()]
    assert under_way["status"].value_counts().to_dict() == {
        "running": 3,
        "created": 1,
        "initializing": 1,
        "processing_metrics": 1,
        "queued": 1,
    }
    assert under_way["result"].isna().all()
    assert (under_way["total_vuh"].isna() == (under_way["status"] == "created")).all()
    assert set(runs.loc[runs["ended"].notna(), "status"]) == {"completed", "aborted"}


def test_aborted_and_invalid_runs_are_recorded_as_documented(load: Any) -> None:
    records = load("v6/test_runs")["value"]
    by_user = [r for r in records if (r["status_details"].get("extra") or {}).get("by_user")]
    assert len(by_user) > 15
    assert {(r["status"], r["result"]) for r in by_user} == {("aborted", None)}
    invalid = [r for r in records if r["ended"] and r["cost"] is None]
    assert len(invalid) > 15
    for record in invalid:
        assert record["result_details"]["message"] == "Validation error."
        assert (record["result"], record["max_vus"], record["options"]) == ("error", None, None)
    by_threshold = [r for r in records if r["status"] == "aborted" and r["result"] == "failed"]
    assert by_threshold
    for record in records:
        history = record["status_history"]
        assert history[0]["type"] == "created"
        assert record["status_details"] == history[-1]
        assert record["status"] == history[-1]["type"]


def test_result_details_are_an_object_an_empty_object_or_null(load: Any) -> None:
    records = load("v6/test_runs")["value"]
    for result in ("passed", None):
        details = [record["result_details"] for record in records if record["result"] == result]
        assert {} in details
        assert None in details
    for record in records:
        if record["result_details"]:
            assert record["result_details"]["type"] == record["result"]


def test_costs_are_numbers_and_numeric_strings(load: Any) -> None:
    costs = [r["cost"] for r in load("v6/test_runs")["value"] if r["cost"]]
    totals = [cost["total_vuh"] for cost in costs]
    assert {type(total) for total in totals} == {int, float, str}
    assert any(re.fullmatch(r"\d+\.\d{10}", str(total)) for total in totals)
    breakdowns = [cost["breakdown"] for cost in costs]
    assert None in breakdowns
    fields = {tuple(breakdown) for breakdown in breakdowns if breakdown}
    assert {len(names) for names in fields} == {2, 5}
    values = [value for b in breakdowns if b for value in b.values() if not isinstance(value, dict)]
    assert {"0E-10", 0, None}.issubset(values)


def test_costs_follow_from_users_and_durations(ended: pd.DataFrame) -> None:
    known = ended[ended["protocol_vuh"].notna()]
    parts = known["protocol_vuh"] + known["browser_vuh"]
    assert ((parts - known["total_vuh"]).abs() < 1e-9).all()
    reduced = known[known["reduction_rate"].fillna(0) > 0]
    assert set(reduced["reduction_rate"]) == {10, 25}
    share = 1 - reduced["reduction_rate"] / 100
    assert ((reduced["base_total_vuh"] * share - reduced["total_vuh"]).abs() < 1e-3).all()
    assert known["browser_vuh"].gt(0).sum() > 80
    protocol_only = known[known["browser_vuh"].eq(0) & known["reduction_rate"].fillna(0).eq(0)]
    vuh = protocol_only["max_vus"] * protocol_only["execution_duration"] / 3600
    assert (protocol_only["total_vuh"] <= vuh).all()


def test_durations_notes_and_stars_vary(runs: pd.DataFrame) -> None:
    assert (runs["execution_duration"] % 1 > 0).any()
    assert runs["note"].eq("").any()
    assert runs["note"].str.contains("\n").any()
    assert 10 < runs["is_starred"].sum() < 100
    assert (runs["retention_expiry"].isna() == runs["is_starred"]).all()
    assert runs["started_by"].isna().any()
    assert runs["started_by"].notna().any()


def test_one_limit_is_nearly_used_up_and_no_other(
    runs: pd.DataFrame, ended: pd.DataFrame, load: Any
) -> None:
    limits = {r["project_id"]: r["vuh_max_per_month"] for r in load("v6/project-limits")["value"]}
    assert None in limits.values()
    assert set(runs["project_id"]) - set(limits) == {2972145, 3674765}
    monthly = vuh_per_month(ended)
    limit = monthly.index.get_level_values("project_id").map(limits).to_numpy(float)
    share = (monthly / limit).dropna()
    assert share.max() < 1
    june = share.xs("2026-06", level=1).sort_values(ascending=False)
    assert june.index[0] == PAYMENTS
    assert 0.95 < june.iloc[0] < 1
    assert 0.8 < june.iloc[1] < 0.9
    assert june.iloc[2] < 0.8
    with_estimates = vuh_per_month(runs)[PAYMENTS, "2026-06"]
    assert with_estimates > limits[PAYMENTS]


def test_no_run_exceeds_the_limits_of_its_project(runs: pd.DataFrame, load: Any) -> None:
    limits = pd.DataFrame(load("v6/project-limits")["value"]).astype("Float64")
    joined = runs.merge(limits.astype({"project_id": "Int64"}), on="project_id", how="left")
    for used, limit in (
        ("max_vus", "vu_max_per_test"),
        ("max_browser_vus", "vu_browser_max_per_test"),
        ("estimated_duration", "duration_max_per_test"),
    ):
        assert limits[limit].notna().any()
        assert not (joined[used] > joined[limit]).fillna(False).any()


def test_there_are_schedules_of_every_kind(
    schedules: list[dict[str, Any]], as_of: pd.Timestamp
) -> None:
    rules = [schedule["recurrence_rule"] or {} for schedule in schedules]
    assert {rule.get("frequency") for rule in rules} == {
        *(None, "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
    }
    for field in ("byday", "until", "count", "interval"):
        assert any(rule.get(field) for rule in rules)
        assert any(rule and field not in rule for rule in rules)
    assert any(rule.get("interval", 1) > 1 for rule in rules)
    crons = [schedule["cron"] for schedule in schedules if schedule["cron"]]
    assert any(cron["schedule"].startswith("@") for cron in crons)
    assert {cron["time_zone"] for cron in crons} == {"UTC", "Asia/Tokyo"}
    once = [s for s in schedules if not s["recurrence_rule"] and not s["cron"]]
    assert [schedule["next_run"] is None for schedule in once] == [True, False]
    assert sum(schedule["deactivated"] for schedule in schedules) == 2
    for schedule in schedules:
        assert not (schedule["recurrence_rule"] and schedule["cron"])
        if schedule["next_run"] and not schedule["deactivated"]:
            assert to_utc(schedule["next_run"]) > as_of


def test_schedules_agree_with_the_runs_that_they_started(
    schedules: list[dict[str, Any]], runs: pd.DataFrame
) -> None:
    weekdays = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
    checked = 0
    for schedule in schedules:
        rule = schedule["recurrence_rule"] or {}
        if rule.get("frequency") != "WEEKLY" or schedule["deactivated"]:
            continue
        starts, next_run = to_utc(schedule["starts"]), to_utc(schedule["next_run"])
        days = rule.get("byday") or [weekdays[starts.day_of_week]]
        assert weekdays[next_run.day_of_week] in days
        assert (next_run - starts).components[1:4] == (0, 0, 0)
        assert (next_run - starts).days % 7 == 0 or len(days) > 1
        started = runs.loc[runs["load_test_id"] == schedule["load_test_id"]]
        on_schedule = started["created"].dt.strftime("%H:%M") == starts.strftime("%H:%M")
        assert on_schedule.mean() > 0.99
        assert set(started[on_schedule]["created"].dt.day_of_week.map(weekdays.__getitem__)) == {
            *days
        }
        checked += 1
    assert checked >= 10


def test_load_zones_are_public_and_private(load: Any) -> None:
    zones = load("v6/load_zones")["value"]
    kinds = {(zone["public"], zone["available"]) for zone in zones}
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}
    assert all(zone["custom_load_runner_image"] is None for zone in zones if zone["public"])
    used = {d["load_zone"] for r in load("v6/test_runs")["value"] for d in r["distribution"] or []}
    assert used < {zone["k6_load_zone_id"] for zone in zones}
