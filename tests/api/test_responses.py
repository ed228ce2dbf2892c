"""Which bodies are complete JSON."""

from __future__ import annotations

import pytest

from k6frames.api.responses import is_json


@pytest.mark.parametrize(
    ("body", "complete"),
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
        (b"\xff", False),
    ],
)
def test_only_a_complete_json_text_is_json(body, complete):
    assert is_json(body) is complete
