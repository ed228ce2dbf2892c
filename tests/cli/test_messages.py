"""Messages of the library name options of the command line instead of Python arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import k6frames
from k6frames.api.advice import ADVICE, STACK_ADVICE
from k6frames.api.client import Client
from k6frames.api.on_error import suggest_on_error
from k6frames.api.settings import cache_root
from k6frames.cli.messages import (
    _REPLACEMENTS,
    MAX_WORD_LENGTH,
    SHORT_WORD_LENGTH,
    shorten_words,
    translate,
)
from k6frames.errors import APIError, K6FramesError

PYTHON = re.compile(
    r"k6frames\.\w|\b\w+=|\w\(\)|\b(None|True|False|Client|DataFrame)\b|[a-z]_[a-z]"
)


def v6_without_stack() -> object:
    return k6frames.load_tests_df(client=Client("token"))


def several_stacks() -> object:
    return Client("token", stack=[1, 2]).one_stack()


def not_cached() -> object:
    return k6frames.organizations_df(client=Client("token", offline=True))


def times_in_wrong_order() -> object:
    client = Client.sample()
    return k6frames.test_runs_df(
        created_after="2026-02-01", created_before="2026-01-01", client=client
    )


def too_many_days() -> object:
    return k6frames.test_results(pd.DataFrame(), days=10**9)


def too_many_runs() -> object:
    return k6frames.metric_values_df(735140, last=10**9, client=Client.sample())


def two_by_clauses() -> object:
    query = "rate by (name)"
    return k6frames.metric_values_df(1, "http_reqs", query, by="name", client=Client.sample())


def too_many_rows() -> object:
    details = k6frames.test_run_details_df(client=Client.sample())
    return k6frames.usage(details, freq="D", by="load_test_id", until="9999-01-01")


def one_forbidden() -> object:
    raise suggest_on_error(APIError(403, 4, "organization 7: HTTP 403.", ""), several=True)


@pytest.mark.parametrize(
    ("provoke", "expected"),
    [
        (Client, "Give one in any of these ways:\n  - the environment variable K6_CLOUD_TOKEN\n"),
        (Client, "Or use the sample account, which needs none: --sample"),
        (v6_without_stack, "in any of these ways:\n  - the option --stack 123\n  - the envir"),
        (several_stacks, "pass --stack as one of 1, 2."),
        (not_cached, "--offline sends no request. Fetch it once without --offline."),
        (lambda: Client("t", refresh=True, offline=True), "cannot be used with --refresh."),
        (lambda: Client("t", api_url="https://a:b@c"), "Give the token in K6_CLOUD_TOKEN."),
        (lambda: Client("t", api_url="ftp://x"), "(from K6FRAMES_API_URL)"),
        (times_in_wrong_order, "--since (2026-02-01T00:00:00+00:00) must be before --until ("),
        (too_many_days, "--days must be an integer from "),
        (too_many_runs, "--last must be an integer from "),
        (two_by_clauses, "Leave out --by."),
        (too_many_rows, "Choose a longer --freq, or fewer test runs with --since."),
        (one_forbidden, "To read the rest without it, pass --on-error warn."),
    ],
)
def test_error_names_options_instead_of_arguments(
    provoke: Callable[[], object], expected: str, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")  # which messages name
    with pytest.raises(K6FramesError) as error:
        provoke()
    message = translate(str(error.value))
    assert expected in message
    assert not PYTHON.search(message), message


def test_every_replaced_text_is_in_a_message_of_the_library() -> None:
    strings = [
        node.value
        for folder in ("api", "dataset", "files", "loaders", "summaries")
        for file in (Path(k6frames.__file__).parent / folder).glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    unused = [text for text in _REPLACEMENTS if not any(text in string for string in strings)]
    assert unused == []


def test_advice_of_the_api_names_no_argument() -> None:
    for advice in [*ADVICE.values(), *STACK_ADVICE.values()]:
        assert not PYTHON.search(translate(advice))


def test_user_without_home_folder_is_not_told_about_the_client(monkeypatch) -> None:
    def no_home(*_: object) -> None:
        raise RuntimeError

    monkeypatch.delenv("K6FRAMES_CACHE_DIR")
    monkeypatch.setattr("platformdirs.user_cache_path", no_home)
    with pytest.raises(K6FramesError) as error:
        cache_root()
    assert translate(str(error.value)) == (
        "This user has no home folder to cache responses in: name another folder in "
        "K6FRAMES_CACHE_DIR."
    )


def test_line_breaks_are_kept_and_control_characters_are_not() -> None:
    assert translate("one\x1b[31m\n  two\tthree\r\nfour\x00") == "one [31m\n  two three\nfour "


def test_long_words_are_shortened_and_others_are_not() -> None:
    text = f"Invalid value: '{'9' * 5000}' is not a number."
    assert shorten_words(text) == f"Invalid value: '{'9' * 59}...' is not a number."
    path = "/a/path/of/some/length" * 5
    assert shorten_words(path) == path
    assert shorten_words("x" * MAX_WORD_LENGTH) == "x" * MAX_WORD_LENGTH
    assert shorten_words("x" * (MAX_WORD_LENGTH + 1)) == f"{'x' * SHORT_WORD_LENGTH}..."


def test_field_of_a_file_is_not_translated() -> None:
    message = "/a/account.json: as_of must be a timestamp such as 2026-07-01T00:00:00Z, not 5."
    assert translate(message) == message


def test_path_of_a_request_is_not_translated() -> None:
    path = (
        "/cloud/v6/test_runs?$top=1000&created_after=2026-06-01T00%3A00%3A00Z&created_before=2027"
    )
    assert translate(f"{path}: HTTP 503") == f"{path}: HTTP 503"
