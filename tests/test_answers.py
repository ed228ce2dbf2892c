"""Telling whole answers from broken ones, in words; over the wire in test_transport.py."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3

from k6frames import answers
from k6frames.secret import Token

TOKEN = Token("abcdef")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("3600", 3600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        ("Sun Nov  6 08:49:37 1994", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2500", None),
        ("Fri, 31 Dec 10000 23:59:59 GMT", None),
        (None, None),
        ("-1", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    assert answers.retry_after(value) == seconds


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (b"{}", True),
        (b"\xef\xbb\xbf{}", True),
        (b' {"a": [1, 2.5, null]} \n', True),
        (b'"\xff"', True),
        (b"9" * 9999, True),
        (b"[" * 200_000, True),
        (b"", False),
        (b"{", False),
        (b"{}}", False),
        (b"{}{}", False),
        (b"<html>", False),
    ],
)
def test_a_whole_json_text_is_told_from_any_other(body, whole):
    assert answers.is_json(body) is whole


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("two\nlines\x1b[m\u202e", "two lines [m "),
        ("x" * 30, "x" * 20),
        ("is abcdef here", "is *** here"),
        ("x" * 17 + "abcdef", "x" * 17 + "***"),
    ],
)
def test_what_a_server_said_is_short_printable_and_without_the_token(text, cleaned):
    assert answers.clean(text, TOKEN, 20) == cleaned


def _behind(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


REASONS = [
    (requests.ReadTimeout(), "silent for too long", False),
    (
        requests.ConnectTimeout(urllib3.exceptions.ConnectTimeoutError()),
        "came about in time",
        False,
    ),
    (urllib3.exceptions.IncompleteRead(3, 5), "cut off or damaged", False),
    (urllib3.exceptions.DecodeError("x"), "cut off or damaged", False),
    (ConnectionRefusedError(111, "Connection refused"), "(Connection refused)", False),
    (_behind(requests.ConnectionError(), OSError(5, "deep inside")), "(deep inside)", False),
    (requests.ConnectionError(), "(ConnectionError)", False),
    (requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF in the handshake")), "EOF", False),
    (requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "bad")), "CA_BUNDLE", True),
    (requests.exceptions.InvalidProxyURL(), "a proxy in the environment", True),
]


@pytest.mark.parametrize(
    ("error", "said", "permanent"), REASONS, ids=[said for _, said, _ in REASONS]
)
def test_a_reason_is_given_in_words_and_only_a_lasting_one_is_not_tried_again(
    error, said, permanent
):
    assert said in answers.reason(error)
    assert answers.is_permanent(error) is permanent


def test_errors_that_lead_to_each_other_in_a_circle_have_a_reason_too():
    one, other = OSError(1, "one"), OSError(2, "other")
    one.__cause__, other.__cause__ = other, one
    assert answers.reason(one) == "no whole answer came (other)"
