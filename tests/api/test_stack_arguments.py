"""How a stack is named, and where its name comes from."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from k6_configs import config, write

from k6frames.api.settings import resolve_settings
from k6frames.api.stack_arguments import StackArgument, no_stack_error, parse_stack, parse_stacks
from k6frames.api.token import Token
from k6frames.errors import ConfigError


def found_stacks(stack: StackArgument = None) -> tuple[str, ...]:
    return resolve_settings(Token("t"), None, stack, cache=False).stacks


HUGE = pytest.param(10**5000, id="huge")
TEAM = "https://my-team.grafana.net"


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        (123, "123"),
        (np.int64(123), "123"),
        (2**63 - 1, str(2**63 - 1)),
        ("123", "123"),
        (" 0123\n", "123"),
        ("my-team", TEAM),
        ("My-Team", TEAM),
        ("1e5", "https://1e5.grafana.net"),
        ("my-team.grafana.net", TEAM),
        (TEAM, TEAM),
        (f"{TEAM}/", TEAM),
        (f"{TEAM}:443/a/k6-app/projects/1?orgId=1#x", TEAM),
        ("HTTPS://My-Team.Grafana.net", TEAM),
        ("https://k6.company.example:8443/x", "https://k6.company.example:8443"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
    ],
)
def test_a_stack_is_an_id_a_slug_or_a_url(value, parsed):
    assert parse_stack(value) == parsed


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, np.True_, 0, -1, 1.0, math.nan, 2**63, HUGE, None, b"1", [], {}),
        *(
            "",
            "  ",
            "0",
            "-1",
            "1.5",
            "²",
            pytest.param("9" * 5000, id="long"),
            "-team",
            "my team",
            "my_team",
            "a" * 64,
        ),
        *("http://my-team.grafana.net", "ftp://localhost", "https://", "https:///x", "//x"),
        *("https://[::1", "https://h:x", "https://é.grafana.net", "https://user:pw@x.grafana.net"),
        *("x\r\nX-Other: 1", "https://x.grafana.net\r\n.evil.example", "my-team.", "\0"),
    ],
)
def test_anything_else_is_refused_and_the_error_names_the_three_forms(value):
    with pytest.raises(ConfigError, match=r"123.*my-team.*https://my-team\.grafana\.net") as caught:
        parse_stack(value)
    assert "pw" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_token_given_as_a_stack_is_not_repeated():
    with pytest.raises(ConfigError) as caught:
        parse_stack("0123456789abcdef" * 5)
    assert "0123456789abcdef01234" not in str(caught.value)


def test_several_stacks_are_an_iterable_and_each_counts_once():
    assert parse_stacks([2, "1", "my-team", 2, TEAM]) == ("2", "1", TEAM)
    assert parse_stacks(pd.Series([3, 4])) == ("3", "4")
    assert parse_stacks(str(n) for n in range(5, 7)) == ("5", "6")
    assert parse_stacks(None) == ()
    for wrong in ([], [1, True], b"12", [[1]]):
        with pytest.raises(ConfigError, match="a stack is given as"):
            parse_stacks(wrong)


def test_the_stack_is_from_the_argument_else_the_environment_else_the_file(current, monkeypatch):
    write(current, config(stackURL="https://in-file.grafana.net/x"))
    assert found_stacks() == ("https://in-file.grafana.net",)
    write(current, config(stackID=4, stackURL="https://in-file.grafana.net"))
    assert found_stacks() == ("4",)
    monkeypatch.setenv("K6_CLOUD_STACK_URL", "https://in-url.grafana.net")
    assert found_stacks() == ("https://in-url.grafana.net",)
    monkeypatch.setenv("K6_CLOUD_STACK_ID", "3")
    assert found_stacks() == ("3",)
    assert found_stacks([2, 1]) == ("2", "1")


@pytest.mark.parametrize("empty", [None, "", 0])
def test_an_empty_stack_in_file_or_environment_counts_as_missing(empty, current, monkeypatch):
    write(current, config(token="x", stackID=empty, stackURL=empty))
    monkeypatch.setenv("K6_CLOUD_STACK_ID", " ")
    assert found_stacks() == ()


def test_a_malformed_stack_names_its_source(current, monkeypatch):
    write(current, config(stackID=True))
    with pytest.raises(ConfigError, match=r"config\.json: True is not a stack"):
        found_stacks()
    monkeypatch.setenv("K6_CLOUD_STACK_URL", "http://x.grafana.net")
    with pytest.raises(ConfigError, match="K6_CLOUD_STACK_URL: 'http://x"):
        found_stacks()


def test_the_error_of_a_missing_stack_names_the_ways_and_where_grafana_shows_the_id(current):
    message = str(no_stack_error())
    for way in ("Client(stack=123)", "K6_CLOUD_STACK_ID", "K6_CLOUD_STACK_URL", "k6 cloud login"):
        assert way in message
    assert "Testing & synthetics > Performance > Settings" in message
    assert str(current) in message
