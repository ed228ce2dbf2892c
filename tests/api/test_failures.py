"""How failures are described, and which are permanent; other faults are in the catalogue."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3

from k6frames.api.failures import describe_failure, is_permanent, parse_retry_after, safe_excerpt
from k6frames.api.responses import BodyTooLargeError
from k6frames.api.token import Token


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("86400", 86400),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        ("Sun Nov  6 08:49:37 1994", 0),
        ("Fri, 31 Dec 10000 23:59:59 GMT", None),
        ("1_000", None),
        ("\xb2", None),
        ("9" * 400, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert parse_retry_after(value) == seconds


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\x1b[m\u202e", "two lines [m "),
        ("x" * 30, "x" * 20),
        ("is abcdef here", "is *** here"),
        ("x" * 17 + "abcdef", "x" * 17 + "***"),
    ],
)
def test_an_excerpt_is_short_printable_and_without_the_token(text, shown):
    assert safe_excerpt(text, Token("abcdef"), 20) == shown


def _caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FAILURES = [
    (requests.ReadTimeout(), "sent nothing before the read timeout", False),
    (
        requests.ConnectTimeout(urllib3.exceptions.ConnectTimeoutError()),
        "connection timed out",
        False,
    ),
    (urllib3.exceptions.IncompleteRead(3, 5), "truncated or damaged", False),
    (urllib3.exceptions.DecodeError("x"), "truncated or damaged", False),
    (ConnectionRefusedError(111, "Connection refused"), "(Connection refused)", False),
    (_caused_by(requests.ConnectionError(), OSError(5, "deep inside")), "(deep inside)", False),
    (requests.ConnectionError(), "(ConnectionError)", False),
    (requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF in the handshake")), "EOF", False),
    (requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "bad")), "CA_BUNDLE", True),
    (requests.exceptions.InvalidProxyURL(), "a proxy from the environment", True),
    (BodyTooLargeError(None, "too long"), "too long", True),
]


@pytest.mark.parametrize(
    ("error", "text", "permanent"), FAILURES, ids=[text for _, text, _ in FAILURES]
)
def test_a_failure_is_described_and_retried_unless_it_is_permanent(error, text, permanent):
    assert text in describe_failure(error)
    assert is_permanent(error) is permanent


def test_a_cycle_of_causes_is_described():
    one, other = OSError(1, "one"), OSError(2, "other")
    one.__cause__, other.__cause__ = other, one
    assert describe_failure(one) == "no complete response was received (other)"
