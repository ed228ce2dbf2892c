"""Where token, address and folders come from."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

import platformdirs
import pytest

from k6frames import Client, ConfigError, settings
from k6frames.secret import Token


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def stored(token: object) -> dict[str, object]:
    return {"collectors": {"cloud": {"token": token, "stackID": 7}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The user's config folder."""
    return tmp_path / "home" / ".config"


@pytest.fixture
def current(folder: Path) -> Path:
    return folder / "k6" / "config.json"


@pytest.fixture
def legacy(folder: Path) -> Path:
    return folder / "loadimpact" / "k6" / "config.json"


def found() -> str | None:
    token = settings.resolve(None, None, cache=False).token
    return None if token is None else token.reveal()


# --- the token ----------------------------------------------------------------------------------


def test_no_token_anywhere_names_the_three_ways_and_the_sample(current, legacy):
    with pytest.raises(ConfigError) as caught:
        Client()
    for way in ('Client(token="...")', "K6_CLOUD_TOKEN", "k6 cloud login", "Client.sample()"):
        assert way in str(caught.value)
    assert str(current) in str(caught.value)
    assert str(legacy) in str(caught.value)


def test_the_argument_goes_before_the_environment_and_that_before_the_file(current, monkeypatch):
    write(current, stored("from-file"))
    assert found() == "from-file"
    monkeypatch.setenv("K6_CLOUD_TOKEN", "from-environment")
    assert found() == "from-environment"
    given = settings.resolve(Token("from-argument"), None, cache=False).token
    assert given == Token("from-argument")


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_is_no_token(empty, current, monkeypatch):
    write(current, stored("from-file"))
    monkeypatch.setenv("K6_CLOUD_TOKEN", empty)
    assert found() == "from-file"


def test_an_empty_argument_is_an_error_and_no_reason_to_look_further(monkeypatch):
    monkeypatch.setenv("K6_CLOUD_TOKEN", "from-environment")
    with pytest.raises(ConfigError, match="the argument token"):
        Client("")


def test_k6_config_names_the_only_file(current, tmp_path, monkeypatch):
    write(current, stored("from-usual-place"))
    monkeypatch.setenv("K6_CONFIG", str(write(tmp_path / "own.json", stored("from-k6-config"))))
    assert found() == "from-k6-config"
    monkeypatch.setenv("K6_CONFIG", str(tmp_path / "missing.json"))
    with pytest.raises(ConfigError, match=r"missing\.json"):
        found()


def test_a_tilde_in_k6_config_is_the_home(tmp_path, monkeypatch):
    write(tmp_path / "home" / "own.json", stored("from-home"))
    monkeypatch.setenv("K6_CONFIG", "~/own.json")
    assert found() == "from-home"


def test_without_xdg_config_home_it_is_below_home(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    write(tmp_path / "home" / ".config" / "k6" / "config.json", stored("below-home"))
    assert found() == "below-home"


@pytest.mark.parametrize(
    ("platform", "below"),
    [
        ("darwin", "Library/Application Support/k6/config.json"),
        ("win32", "k6/config.json"),
    ],
)
def test_on_other_systems_it_is_where_k6_puts_it(platform, below, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    write(tmp_path / "home" / below, stored("from-there"))
    assert found() == "from-there"


def test_the_legacy_file_is_read_too(legacy):
    write(legacy, stored("from-legacy"))
    assert found() == "from-legacy"


@pytest.mark.parametrize(("seconds", "wins"), [(60, "legacy"), (1, "current"), (-60, "current")])
def test_of_two_files_the_newer_wins_and_on_a_tie_the_current(seconds, wins, current, legacy):
    write(current, stored("current"))
    write(legacy, stored("legacy"))
    now = current.stat().st_mtime
    os.utime(legacy, (now + seconds, now + seconds))
    assert found() == wins


@pytest.mark.parametrize(
    "content",
    [{}, [], None, 5, "null", {"collectors": None}, {"collectors": {"cloud": []}}]
    + [stored(token) for token in (None, 5, "", "  ", ["x"])],
)
def test_a_file_without_a_token_is_passed_over(content, current, legacy):
    write(current, content)
    write(legacy, stored("from-legacy"))
    os.utime(legacy, (1, 1))
    assert found() == "from-legacy"


BROKEN = {
    "cut": '{"collectors": {"cloud": {"token": "sesame',
    "no JSON": "token: sesame",
    "deep": "[" * 200_000 + '"sesame"',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_and_its_text_is_not_repeated(text, current):
    write(current, text)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        Client()
    assert str(current) in str(caught.value)
    assert "sesame" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_a_file_that_is_no_text_is_named(current):
    current.parent.mkdir(parents=True)
    current.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(ConfigError, match="UnicodeDecodeError"):
        Client()


def test_a_folder_in_the_place_of_the_file_is_named(current):
    current.mkdir(parents=True)
    with pytest.raises(ConfigError, match="IsADirectoryError"):
        Client()


def test_a_bad_token_in_a_file_or_variable_names_its_origin(current, monkeypatch):
    write(current, stored("two words"))
    with pytest.raises(ConfigError, match=r"config\.json") as caught:
        Client()
    assert "two words" not in str(caught.value)
    monkeypatch.setenv("K6_CLOUD_TOKEN", "two words")
    with pytest.raises(ConfigError, match="K6_CLOUD_TOKEN") as caught:
        Client()
    assert "two words" not in str(caught.value)


# --- the address --------------------------------------------------------------------------------


def test_the_address_is_the_argument_else_the_environment_else_the_api(monkeypatch, token):
    assert Client(token).api_url == "https://api.k6.io"
    monkeypatch.setenv("K6FRAMES_API_URL", "https://one.example/")
    assert Client(token).api_url == "https://one.example"
    assert Client(token, api_url="https://two.example/k6/").api_url == "https://two.example/k6"


def test_k6_s_own_host_variable_is_not_taken_for_this_api(monkeypatch, token):
    monkeypatch.setenv("K6_CLOUD_HOST", "https://ingest.example")
    assert Client(token).api_url == "https://api.k6.io"


@pytest.mark.parametrize(
    "address",
    [
        "api.k6.io",
        "ftp://api.k6.io",
        "https://",
        "https:///v3",
        "https://h:99999",
        "https://h:x",
        "https://[::1",
        "https://*",
        "samples:",
        "sample:x",
    ],
)
def test_an_address_that_is_none_is_refused(address, token):
    with pytest.raises(ConfigError):
        Client(token, api_url=address)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:sesame@api.k6.io",
        "https://sesame@api.k6.io",
        "https://user:ses?ame@api.k6.io",
        "https://user:ses#ame@api.k6.io",
        "https://user:ses/ame@api.k6.io",
        "user:sesame@api.k6.io",
        "https://api.k6.io?token=sesame",
        "https://api.k6.io?token=x@sesame",
        "https://api.k6.io/#sesame",
    ],
)
@pytest.mark.filterwarnings("default")
def test_a_secret_in_the_address_is_refused_and_not_repeated(address, token):
    with pytest.raises(ConfigError) as caught:
        Client(token, api_url=address)
    assert "ses" not in str(caught.value)
    assert "ame" not in str(caught.value).replace("name", "")


def test_plain_http_warns_and_on_this_machine_does_not(token):
    with pytest.warns(UserWarning, match="not https") as warned:
        Client(token, api_url="http://api.example")
    assert warned[0].filename == __file__
    for host in ("localhost", "127.0.0.1:8080", "[::1]:80"):
        Client(token, api_url=f"http://{host}")


# --- folders ------------------------------------------------------------------------------------


def test_a_file_address_with_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="There is no folder"):
        Client(api_url=(tmp_path / "gone").as_uri())


@pytest.mark.parametrize("address", ["file:", "file://", "file://folder", "file://host/folder"])
def test_a_file_address_without_a_path_is_refused(address, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="file:/a/folder"):
        Client(api_url=address)


@pytest.mark.parametrize("name", ["a b", "é", "100%", "a#b", "a?b", "%41"])
def test_a_folder_of_any_name_is_found_by_its_uri(name, tmp_path):
    (tmp_path / name / "v3").mkdir(parents=True)
    (tmp_path / name / "v3" / "organizations.json").write_text("{}")
    client = Client(api_url=(tmp_path / name).as_uri())
    assert client.get("/v3/organizations") == b"{}"


def test_files_and_samples_need_no_token_and_no_cache(tmp_path):
    for address in ("sample:", tmp_path.as_uri()):
        found = settings.resolve(None, address, cache=True)
        assert (found.token, found.cache) == (None, None)
        assert found.folder.is_dir()


def test_the_cache_folder_is_the_argument_else_the_environment_else_the_platform_s(
    tmp_path, monkeypatch
):
    assert settings.cache_root(tmp_path / "own") == tmp_path / "own"
    assert settings.cache_root() == tmp_path / "cache"
    monkeypatch.delenv("K6FRAMES_CACHE_DIR")
    assert settings.cache_root() == Path(platformdirs.user_cache_dir("k6frames"))
    assert settings.cache_root("~/here") == tmp_path / "home" / "here"


def test_no_cache_is_no_folder():
    assert settings.resolve(Token("t"), None, cache=False).cache is None


def test_identities_differ_by_token_and_address():
    folders = {
        settings.resolve(Token(token), address, cache=True).cache
        for token in ("a", "b")
        for address in ("https://one.example", "https://two.example")
    }
    assert len(folders) == 4
