"""Which of k6's configuration files is read, and what happens if it cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback

import pytest
from k6_configs import config, write

from k6frames.api.client import Client
from k6frames.api.settings import find_token
from k6frames.api.stack_arguments import find_stacks
from k6frames.errors import ConfigError


def test_k6_config_names_the_only_file(current, tmp_path, monkeypatch):
    write(current, config(token="from-default"))
    monkeypatch.setenv("K6_CONFIG", str(write(tmp_path / "own.json", config(token="from-own"))))
    assert find_token().reveal() == "from-own"
    monkeypatch.setenv("K6_CONFIG", str(tmp_path / "missing.json"))
    with pytest.raises(ConfigError, match=r"missing\.json"):
        find_token().reveal()


def test_a_tilde_in_k6_config_is_the_home_folder(tmp_path, monkeypatch):
    write(tmp_path / "home" / "own.json", config(token="from-home"))
    monkeypatch.setenv("K6_CONFIG", "~/own.json")
    assert find_token().reveal() == "from-home"


def test_without_xdg_config_home_the_file_is_below_the_home_folder(current, monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    write(current, config(token="below-home"))
    assert find_token().reveal() == "below-home"


OTHER_SYSTEM = """
import sys
sys.platform = sys.argv[1]
import platformdirs
from platformdirs import {module} as module
module.get_win_folder = "/folders/{{}}".format
platformdirs.PlatformDirs = module.{name}
from k6frames.api.k6_config import config_files
print(config_files()[0])
"""


@pytest.mark.parametrize(
    ("platform", "module", "name", "expected"),
    [
        ("darwin", "macos", "MacOS", "{home}/Library/Application Support/k6/config.json"),
        ("win32", "windows", "Windows", "/folders/CSIDL_APPDATA/k6/config.json"),
    ],
)
def test_on_other_systems_the_file_is_in_the_config_folder_of_go(
    platform, module, name, expected, tmp_path
):
    """os.UserConfigDir is the roaming folder on Windows, and ignores XDG_CONFIG_HOME on macOS."""
    script = OTHER_SYSTEM.format(module=module, name=name)
    shown = subprocess.run(
        [sys.executable, "-c", script, platform], capture_output=True, text=True, check=False
    )
    assert shown.stdout.strip() == expected.format(home=tmp_path / "home"), shown.stderr


def test_the_legacy_file_is_read_too(legacy):
    write(legacy, config(token="from-legacy"))
    assert find_token().reveal() == "from-legacy"


@pytest.mark.parametrize(("seconds", "wins"), [(60, "legacy"), (1, "current"), (-60, "current")])
def test_the_newer_of_two_files_is_used_and_the_current_one_on_a_tie(
    seconds, wins, current, legacy
):
    write(current, config(token="current", stackID=1))
    write(legacy, config(token="legacy", stackID=2))
    now = current.stat().st_mtime
    os.utime(legacy, (now + seconds, now + seconds))
    assert find_token().reveal() == wins
    assert find_stacks() == ({"current": "1", "legacy": "2"}[wins],)


@pytest.mark.parametrize(
    "content",
    [{}, [], None, 5, "null", {"collectors": None}, {"collectors": {"cloud": []}}]
    + [config(token=token) for token in (None, 5, "", "  ", ["x"])],
)
def test_a_file_without_a_token_is_skipped(content, current, legacy):
    write(current, content)
    write(legacy, config(token="from-legacy"))
    os.utime(legacy, (1, 1))
    assert find_token().reveal() == "from-legacy"


UNREADABLE = {
    "truncated": b'{"collectors": {"cloud": {"token": "sesame',
    "not JSON": b"token: sesame",
    "deep": b"[" * 200_000 + b'"sesame"',
    "not text": b"\xff\xfe\xfd",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_file_is_named_and_its_text_is_not_repeated(content, current):
    write(current, "")
    current.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        Client()
    assert str(current) in str(caught.value)
    assert "sesame" not in "".join(traceback.format_exception(caught.value))


def test_a_folder_instead_of_the_file_is_named(current):
    current.mkdir(parents=True)
    with pytest.raises(ConfigError, match="IsADirectoryError"):
        Client()


def test_an_unreadable_file_is_only_a_warning_if_the_token_is_from_elsewhere(current):
    write(current, "{")
    with pytest.warns(
        UserWarning, match=r"cannot be read.*No stack is taken from this file"
    ) as warned:
        client = Client("token")
    assert client._settings.stacks == ()
    assert warned[0].filename == __file__
