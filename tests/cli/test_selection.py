"""Organizations, projects and load tests by ID, name and part of a name."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import k6frames
from k6frames.cli.messages import InputError
from k6frames.cli.selection import find_organizations


def frame_of(names: dict[int, str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "org_id": pd.array(list(names), dtype="Int64"),
            "name": pd.array(list(names.values()), dtype="string"),
        }
    )


NAMES = frame_of({7: "Checkout", 8: "Checkout (old)", 9: "Straße", 10: None, 2026: "7", 11: "A"})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("7", 7),  # an ID before a name
        ("checkout", 7),  # a full name before a part of one
        (" CHECKOUT ", 7),
        ("old", 8),
        ("STRASSE", 9),
        ("10", 10),
    ],
)
def test_an_organization_is_found_by_id_name_or_part_of_its_name(
    wanted: str, expected: int
) -> None:
    assert find_organizations(NAMES, [wanted]) == [expected]


def test_several_organizations_are_found_in_the_given_order() -> None:
    assert find_organizations(NAMES, ["old", "7", "old"]) == [8, 7]


def test_unknown_name_gives_the_advice_first_then_the_ten_closest_names() -> None:
    names = frame_of({index: f"Team {index:03}" for index in range(1, 501)})
    with pytest.raises(InputError) as error:
        find_organizations(names, ["tema 042"])
    first, *closest = error.value.message.splitlines()
    assert first == (
        "Give an ID or a name that `k6frames organizations` lists: no organization matches "
        "'tema 042'. The closest are:"
    )
    assert closest[0] == "  42  Team 042"
    assert len(closest) == 10


def test_ambiguous_name_gives_the_ten_closest_of_those_that_match() -> None:
    names = frame_of({index: f"Team {'x' * index}" for index in range(1, 31)} | {99: "teal"})
    with pytest.raises(InputError) as error:
        find_organizations(names, ["team"])
    first, *closest = error.value.message.splitlines()
    assert first == (
        "Give the ID or a unique name: 'team' matches 30 organizations. The closest are:"
    )
    assert closest == [f"  {index}  Team {'x' * index}" for index in range(1, 11)]


@pytest.mark.parametrize("wanted", ["9" * 5000, "x" * 5000, "\x1b[31m", ""])
def test_message_stays_short_and_without_control_characters(wanted: str) -> None:
    with pytest.raises(InputError) as error:
        find_organizations(NAMES, [wanted])
    assert len(error.value.message) < 500
    assert "\x1b" not in error.value.message


def test_an_account_without_organizations_is_an_error_too() -> None:
    with pytest.raises(InputError, match=r"no organization matches 'a'\.$"):
        find_organizations(frame_of({}), ["a"])


@given(
    names=st.dictionaries(st.integers(0, 2**63 - 1), st.none() | st.text(max_size=5), max_size=8),
    wanted=st.text(max_size=5) | st.integers(0, 30).map(str),
)
def test_an_organization_is_found_if_only_one_has_the_id_the_name_or_a_part_of_it(
    names: dict[int, str | None], wanted: str
) -> None:
    text = wanted.strip().casefold()
    exact = {i for i, name in names.items() if text and (name or "").casefold() == text}
    partial = {i for i, name in names.items() if text and text in (name or "").casefold()}
    expected = {i for i in names if str(i) == text} or exact or partial
    try:
        found = find_organizations(frame_of(names), [wanted])
    except InputError:
        found = []
    assert found == (sorted(expected) if len(expected) == 1 else [])


# --- in commands --------------------------------------------------------------------------------


def ids(output: str) -> list[str]:
    return [line.split("\t")[0] for line in output.splitlines()[1:]]


def test_projects_of_an_organization_by_id_name_and_part_of_its_name(run) -> None:
    by_id = run("projects", "--sample", "--org", "618240").stdout
    assert by_id.count("\n") == 2
    for name in ("solo SANDBOX", "sandb"):
        assert run("projects", "--sample", "--org", name).stdout == by_id
    both = run("projects", "--sample", "--org", "618240", "--org", "1013").stdout
    assert len(ids(both)) == 93


def test_unknown_name_is_status_2_without_the_usage(run) -> None:
    result = run("test-runs", "--sample", "--load-test", "chekout soak")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: Give an ID or a name that `k6frames load-tests` lists")
    assert "605931  Checkout soak, 4 hours" in result.stderr


def test_test_runs_of_load_tests_projects_and_times(run, sample) -> None:
    runs = k6frames.test_run_details_df(client=sample)
    options = ["--load-test", "checkout spike", "--load-test", "741883", "--project", "Login"]
    options += ["--since", "2026-01-01", "--until", "2026-06-01T02:00+02:00"]
    found = ids(run("test-runs", "--sample", *options).stdout)
    expected = runs[
        (runs["load_test_id"] == 741883)
        & (runs["created"] >= pd.Timestamp("2026-01-01", tz="UTC"))
        & (runs["created"] < pd.Timestamp("2026-06-01", tz="UTC"))
    ]
    assert len(expected) > 10
    assert set(found) == set(expected["test_run_id"].astype(str))


@pytest.mark.parametrize("command", ["usage", "results", "schedules", "load-tests", "limits"])
def test_option_project_selects_the_rows_of_a_project(command: str, run) -> None:
    options = ("--project", "Login", "--columns", "project_id,project_name")
    rows = run(command, "--sample", *options).stdout.splitlines()[1:]
    assert set(rows) == {"2113263\tLogin"}


def test_rows_of_several_stacks_have_the_stack(run, tmp_path, monkeypatch) -> None:
    for stack_id in (7, 8):
        folder = tmp_path / "account" / "stacks" / str(stack_id) / "cloud" / "v6"
        folder.mkdir(parents=True)
        (folder / "projects.json").write_text('{"value": [{"id": 1, "name": "P"}]}')
        records = [{"id": 10 + stack_id, "project_id": 1, "name": f"T{stack_id}"}]
        (folder / "load_tests.json").write_text(json.dumps({"value": records}))
    monkeypatch.setenv("K6FRAMES_API_URL", (tmp_path / "account").as_uri())
    assert run("load-tests").stdout.splitlines() == [
        "load_test_id\tstack_id\tname\tproject_name\tcreated\tupdated",
        "17\t7\tT7\tP\t\t",
        "18\t8\tT8\tP\t\t",
    ]
    assert run("load-tests", "--stack", "8").stdout.splitlines()[1:] == ["18\tT8\tP\t\t"]
