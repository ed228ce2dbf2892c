"""Checks of arguments, whatever is passed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import k6frames
from k6frames.errors import ConfigError
from k6frames.validation import absolute_path, short_repr, validate_integer, validate_number

# Comparing the last four with a string is no bool, and one of the others has no repr.
ODD = [None, True, 10**5000, b"x", "\ud800", "x\0", "y" * 9999, float("nan"), [], object(), pd.NaT]
ODD += [pd.NA, np.array([1, 2]), pd.Series([1, 2]), pd.DataFrame({"a": [1]})]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_argument_that_must_be_one_of_several_strings_is_refused_in_one_line(value) -> None:
    client = k6frames.Client.sample()
    with pytest.raises(ConfigError, match=r'^on_error must be "raise" or "warn", not ') as caught:
        k6frames.projects_df(client=client, on_error=value)
    assert len(str(caught.value)) < 120
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [*ODD[:6], *ODD[7:]], ids=lambda value: type(value).__name__)
def test_argument_that_must_be_a_path_is_refused_in_one_line(value) -> None:
    with pytest.raises(ConfigError, match=r"^The argument folder") as caught:
        absolute_path(value, "The argument folder")
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (k6frames.projects_df, {"client": k6frames.Client.sample(), "on_error": 5}, "on_error"),
        (k6frames.metric_values_df, {"by": 5}, "by must be"),
        (k6frames.metric_values_df, {"metric": "\ud800"}, "lone surrogate"),
        (k6frames.plots.completeness, {"frames": {"a": pd.DataFrame()}, "ax": 5}, "ax must be"),
        (k6frames.Client.sample().get, {"path": 5}, "A path must be a string"),
        (k6frames.Client, {"token": "abc", "timeout": 10**5000}, "timeout must be"),
    ],
)
def test_argument_of_another_type_is_refused(function, arguments, message) -> None:
    if function is k6frames.metric_values_df:
        arguments |= {"load_test_id": 735140, "client": k6frames.Client.sample()}
    with pytest.raises(ConfigError, match=message):
        function(**arguments)


def test_values_are_shown_short() -> None:
    assert short_repr(10**5000) == "a value of more than 4,300 digits"
    assert short_repr("y" * 9999) == f"'{'y' * 12}...{'y' * 13}'"
    assert short_repr(pd.DataFrame({"a": [1]})) == "a 0 1"


HUGE = pytest.param(10**5000, id="huge")


@pytest.mark.parametrize(
    "value", [True, False, np.True_, math.nan, math.inf, -1, 0, "5", None, 1e9, HUGE, 1j, [1]]
)
def test_a_number_outside_of_its_limits_is_refused_and_never_changed(value):
    with pytest.raises(ConfigError, match=r"budget must be a number .*0\.001.*2,000,000") as caught:
        validate_number("budget", value, minimum=0.001, maximum=2_000_000)
    with pytest.raises(ConfigError, match="max_workers must be an integer from 1 to 1,000"):
        validate_integer("max_workers", value, minimum=1, maximum=1000)
    assert len(str(caught.value)) < 150


def test_numbers_within_their_limits_are_exact():
    for value in (0.001, 1_500_000, np.float32(0.5), np.int64(7)):
        assert validate_number("budget", value, minimum=0.001, maximum=2_000_000) == value
    assert validate_number("expire_after", math.inf, minimum=0, maximum=math.inf) == math.inf
    assert validate_number("expire_after", 10**5000, minimum=0, maximum=math.inf) == math.inf
    with pytest.raises(ConfigError, match="expire_after must be a number of at least 0"):
        validate_number("expire_after", -(10**5000), minimum=0, maximum=math.inf)
    workers = validate_integer("max_workers", np.int64(8), minimum=1, maximum=1000)
    assert (workers, type(workers)) == (8, int)
