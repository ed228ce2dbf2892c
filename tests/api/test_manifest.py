"""The manifest of a folder of responses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from k6frames.api.manifest import Manifest, read_manifest
from k6frames.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "account"


def put(folder: Path, name: str, text: str = "{}") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_without_a_manifest_the_stacks_are_the_folders(folder):
    assert read_manifest(folder) == Manifest(None, None, ())
    for name in ("10", "9", "x", "-1", "01", "²", str(2**63)):
        (folder / "stacks" / name).mkdir(parents=True)
    put(folder, "stacks/7")
    assert read_manifest(folder) == Manifest(None, None, ((9, None), (10, None)))
    put(folder, "account.json", '{"as_of": null}')
    assert read_manifest(folder) == Manifest(None, None, ((9, None), (10, None)))


def test_a_manifest_has_the_time_the_address_and_the_stacks(folder):
    (folder / "stacks" / "9").mkdir(parents=True)
    content = {
        "as_of": "2026-07-01T02:00:00+02:00",
        "api_url": "https://api.k6.io",
        "stacks": [{"id": 2, "url": "https://x.grafana.net/"}, {"id": 1, "note": "y"}],
        "anything": "else",
    }
    put(folder, "account.json", json.dumps(content))
    assert read_manifest(folder) == Manifest(
        datetime(2026, 7, 1, tzinfo=UTC),
        "https://api.k6.io",
        ((2, "https://x.grafana.net"), (1, None)),
    )
    for as_of in ("2026-07-01", "2026-07-01T00:00:00Z", "2026-07-01 00:00"):
        put(folder, "account.json", json.dumps({"as_of": as_of, "stacks": []}))
        assert read_manifest(folder) == Manifest(datetime(2026, 7, 1, tzinfo=UTC), None, ())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "cannot be read"),
        ("", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "the file must be an object"),
        ('{"as_of": 5}', "as_of"),
        ('{"as_of": "yesterday"}', "as_of"),
        ('{"as_of": "0001-01-01T00:00:00+10:00"}', "as_of"),
        ('{"api_url": 5}', "api_url"),
        ('{"stacks": {}}', "stacks must be a list"),
        ('{"stacks": [5]}', r"stacks\[0\] must be an object"),
        ('{"stacks": [{"id": "1"}]}', r"stacks\[0\].id"),
        ('{"stacks": [{"id": true}]}', r"stacks\[0\].id"),
        ('{"stacks": [{"id": 1}, {"id": 1}]}', r"stacks\[1\].id"),
        ('{"stacks": [{"id": 9223372036854775808}]}', r"stacks\[0\].id"),
        ('{"stacks": [{"id": 1, "url": 5}]}', r"stacks\[0\].url"),
        ('{"stacks": [{"id": 1, "url": "5"}]}', r"stacks\[0\].url"),
        ('{"stacks": [{"id": 1, "url": "http://x.grafana.net"}]}', r"stacks\[0\].url"),
    ],
)
def test_a_malformed_manifest_names_the_file_and_the_field(text, field, folder):
    file = put(folder, "account.json", text)
    with pytest.raises(ConfigError, match=field) as caught:
        read_manifest(folder)
    assert str(caught.value).startswith(str(file))
