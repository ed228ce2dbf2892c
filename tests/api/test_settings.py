"""Where the token and the cache folder come from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from k6_configs import config, write

from k6frames.api import settings
from k6frames.api.client import Client
from k6frames.api.settings import find_token, resolve_settings
from k6frames.api.token import Token
from k6frames.errors import ConfigError

# --- the token ----------------------------------------------------------------------------------


def test_the_error_of_a_missing_token_names_every_way_to_give_one(current, legacy):
    with pytest.raises(ConfigError) as caught:
        Client()
    for way in ('Client(token="...")', "K6_CLOUD_TOKEN", "k6 cloud login", "Client.sample()"):
        assert way in str(caught.value)
    assert f"{current} or {legacy}" in str(caught.value)


def test_the_token_is_the_argument_else_the_environment_else_the_file(current, monkeypatch):
    write(current, config(token="from-file"))
    assert find_token().reveal() == "from-file"
    monkeypatch.setenv("K6_CLOUD_TOKEN", "from-environment")
    assert find_token().reveal() == "from-environment"
    given = resolve_settings(Token("from-argument"), None, None, cache=False).token
    assert given == Token("from-argument")


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_missing(empty, current, monkeypatch):
    write(current, config(token="from-file"))
    monkeypatch.setenv("K6_CLOUD_TOKEN", empty)
    assert find_token().reveal() == "from-file"


def test_an_empty_argument_is_an_error_and_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("K6_CLOUD_TOKEN", "from-environment")
    with pytest.raises(ConfigError, match=r"Client\(token=...\)"):
        Client("")


def test_a_malformed_token_names_its_source_and_is_not_repeated(current, monkeypatch):
    write(current, config(token="two words"))
    with pytest.raises(ConfigError, match=r"config\.json") as in_file:
        Client()
    monkeypatch.setenv("K6_CLOUD_TOKEN", "two words")
    with pytest.raises(ConfigError, match="K6_CLOUD_TOKEN") as in_environment:
        Client()
    assert "two words" not in f"{in_file.value} {in_environment.value}"


# --- folders ------------------------------------------------------------------------------------


def test_a_folder_needs_no_token_and_no_cache_and_has_its_own_stacks(tmp_path, monkeypatch):
    monkeypatch.setenv("K6_CLOUD_STACK_ID", "3")
    for address in ("sample:", tmp_path.as_uri()):
        found = resolve_settings(None, address, None, cache=True)
        assert (found.token, found.cache_folder, found.stacks) == (None, None, ())
        assert found.folder is not None
        assert found.folder.is_dir()


def test_the_cache_folder_is_the_argument_else_the_environment_else_the_default(
    tmp_path, monkeypatch
):
    assert settings.cache_root(tmp_path / "own") == tmp_path / "own"
    assert settings.cache_root("~/here") == tmp_path / "home" / "here"
    assert settings.cache_root() == tmp_path / "cache"
    monkeypatch.delenv("K6FRAMES_CACHE_DIR")
    assert settings.cache_root() == Path(platformdirs.user_cache_dir("k6frames"))
    assert resolve_settings(Token("t"), None, None, cache=False).cache_folder is None


@pytest.mark.parametrize("cache", [5, None, b"folder", "a\0b", "~nobody-of-this-name/x"])
def test_an_invalid_cache_folder_is_refused(cache):
    with pytest.raises(ConfigError, match="cache"):
        resolve_settings(Token("t"), None, None, cache=cache)


def test_each_token_and_address_has_its_own_cache_folder():
    folders = {
        resolve_settings(Token(token), address, None, cache=True).cache_folder
        for token in ("a", "b")
        for address in ("https://one.example", "https://two.example")
    }
    assert len(folders) == 4


NO_HOME = """
import os, pwd, sys
def nobody(_):
    raise KeyError("no such user")
pwd.getpwuid = nobody
for name in list(os.environ):
    if name.startswith(("HOME", "XDG", "K6")):
        del os.environ[name]
from k6frames.api.settings import find_token, resolve_settings, cache_root
from k6frames.api.token import Token
from k6frames.errors import ConfigError
print(resolve_settings(Token("t"), None, 1, cache=False).stacks)
print(resolve_settings(Token("t"), None, None, cache="/tmp/cache").stacks)
print(resolve_settings(None, "sample:", None, cache=True).api_url)
for attempt in (lambda: cache_root(), lambda: resolve_settings(None, None, None, cache=False)):
    try:
        print(attempt())
    except ConfigError as error:
        print(str(error).splitlines()[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no pwd")
def test_a_missing_home_folder_is_an_error_only_where_it_is_needed():
    shown = subprocess.run(
        [sys.executable, "-c", NO_HOME], capture_output=True, text=True, check=False
    )
    cure = "name another folder in K6FRAMES_CACHE_DIR, or use Client(cache=False)"
    assert shown.stdout.splitlines() == [
        "('1',)",
        "()",
        "sample:",
        f"This user has no home folder to cache responses in: {cure}.",
        "No k6 Cloud token was found. Give one in any of these ways:",
    ], shown.stderr
