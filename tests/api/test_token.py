"""A token that cannot be shown by accident."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from k6frames.api.token import Token
from k6frames.errors import ConfigError

MALFORMED = {
    "newline": "abc\ndef",
    "header injection": "abc\r\nX-Other: 1",
    "space": "abc def",
    "tab": "abc\tdef",
    "not ASCII": "abcdéf",
    "smart quotes": "“abcdef”",
    "NUL": "abc\0def",
    "DEL": "abc\x7fdef",
    "lone surrogate": "abc\ud800def",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_token_that_no_header_can_hold_is_refused_and_not_repeated(text):
    with pytest.raises(ConfigError, match="The token from a file contains") as caught:
        Token(text).validate("a file")
    message = str(caught.value) + repr(caught.value)
    assert "abc" not in message
    assert "def" not in message


@pytest.mark.parametrize("text", ["", "  ", "\n", 5, b"bytes", ["list"]])
def test_a_token_that_is_empty_or_not_a_string_is_refused(text):
    with pytest.raises(ConfigError, match="from a file is empty or not a string"):
        Token(text).validate("a file")


def test_white_space_around_a_token_is_dropped():
    assert Token(" abc\n").reveal() == "abc"
    assert Token(" abc\n") == Token("abc")


def test_no_representation_of_a_token_shows_its_text():
    token = Token("abcdef").validate("here")
    shown = [repr(token), str(token), f"{token}", f"{token!r:>20}", repr([token]), repr({1: token})]
    assert all("abcdef" not in text for text in shown)
    assert not hasattr(token, "__dict__")
    with pytest.raises(TypeError) as caught:
        json.dumps(token)
    assert "abcdef" not in str(caught.value)


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_token_cannot_be_pickled(way):
    with pytest.raises(TypeError, match="create the Client in the other process"):
        way(Token("abcdef"))


def test_tokens_are_equal_by_text_and_digests_differ_by_token_and_salt():
    assert len({Token("a"), Token("a"), Token("b")}) == 2
    assert Token("a") != Token("b")
    assert Token("a") != "a"
    digests = {Token(text).digest(salt) for text in "ab" for salt in "xy"}
    assert len(digests) == 4
    assert Token("a").digest("x") == Token("a").digest("x")


def test_a_token_that_a_server_repeats_is_redacted_and_noticed():
    token = Token("abcdef")
    assert token.redact("x abcdef y abcdef") == "x *** y ***"
    assert token.occurs_in(b'{"token": "abcdef"}')
    assert not token.occurs_in(b'{"token": "abcde"}')
