"""A token that cannot be shown by accident."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from k6frames import Client, ConfigError
from k6frames.secret import Token

BAD = {
    "newline in it": "abc\ndef",
    "carriage return in it": "abc\r\nX-Other: 1",
    "space in it": "abc def",
    "tab in it": "abc\tdef",
    "not ASCII": "abcdéf",
    "smart quotes": "“abcdef”",
    "NUL": "abc\0def",
    "DEL": "abc\x7fdef",
    "lone surrogate": "abc\ud800def",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_token_that_no_header_can_carry_is_refused_without_being_repeated(text):
    with pytest.raises(ConfigError, match="the argument token") as caught:
        Client(text)
    said = str(caught.value) + repr(caught.value)
    assert "abc" not in said
    assert "def" not in said


@pytest.mark.parametrize("text", ["", "  ", "\n", 5, b"bytes", ["list"]])
def test_an_empty_token_or_none_at_all_is_refused(text):
    with pytest.raises(ConfigError, match="is empty or no text"):
        Client(text)


def test_white_space_around_a_token_is_dropped():
    assert Token(" abc\n").reveal() == "abc"
    assert Token(" abc\n") == Token("abc")


def test_no_form_of_showing_a_token_shows_it():
    token = Token("abcdef").checked("here")
    shown = [repr(token), str(token), f"{token}", f"{token!r:>20}", repr([token]), repr({1: token})]
    assert all("abcdef" not in text for text in shown)
    assert not hasattr(token, "__dict__")


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_token_is_not_pickled(way):
    with pytest.raises(TypeError, match="make the Client anew"):
        way(Token("abcdef"))


def test_a_token_is_no_json():
    with pytest.raises(TypeError) as caught:
        json.dumps(Token("abcdef"))
    assert "abcdef" not in str(caught.value)


def test_tokens_are_equal_by_text_and_digests_differ_by_token_and_salt():
    assert len({Token("a"), Token("a"), Token("b")}) == 2
    assert Token("a") != Token("b")
    assert Token("a") != "a"
    digests = {Token(text).digest(salt) for text in "ab" for salt in "xy"}
    assert len(digests) == 4
    assert Token("a").digest("x") == Token("a").digest("x")


def test_what_a_server_repeats_is_redacted_and_noticed():
    token = Token("abcdef")
    assert token.redact("x abcdef y abcdef") == "x *** y ***"
    assert token.occurs_in(b'{"token": "abcdef"}')
    assert not token.occurs_in(b'{"token": "abcde"}')
