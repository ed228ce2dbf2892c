"""Where token, stack, address and folders come from."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs
import pytest

from k6frames.api import settings
from k6frames.api.client import Client
from k6frames.api.settings import resolve_settings
from k6frames.api.stack_arguments import StackArgument, no_stack_error, parse_stack, parse_stacks
from k6frames.api.token import Token
from k6frames.errors import ConfigError
from k6frames.validation import validate_integer, validate_number


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def config(**cloud: object) -> dict[str, object]:
    return {"collectors": {"cloud": cloud}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The user's configuration folder."""
    return tmp_path / "home" / ".config"


@pytest.fixture
def current(folder: Path) -> Path:
    return folder / "k6" / "config.json"


@pytest.fixture
def legacy(folder: Path) -> Path:
    return folder / "loadimpact" / "k6" / "config.json"


def found_token() -> str:
    token = resolve_settings(None, None, None, cache=False).token
    assert token is not None
    return token.reveal()


def found_stacks(stack: StackArgument = None) -> tuple[str, ...]:
    return resolve_settings(Token("t"), None, stack, cache=False).stacks


# --- the token ----------------------------------------------------------------------------------


def test_a_missing_token_names_the_three_ways_and_the_sample(current, legacy):
    with pytest.raises(ConfigError) as caught:
        Client()
    for way in ('Client(token="...")', "K6_CLOUD_TOKEN", "k6 cloud login", "Client.sample()"):
        assert way in str(caught.value)
    assert f"{current} or {legacy}" in str(caught.value)


def test_the_argument_goes_before_the_environment_and_that_before_the_file(current, monkeypatch):
    write(current, config(token="from-file"))
    assert found_token() == "from-file"
    monkeypatch.setenv("K6_CLOUD_TOKEN", "from-environment")
    assert found_token() == "from-environment"
    given = resolve_settings(Token("from-argument"), None, None, cache=False).token
    assert given == Token("from-argument")


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_missing(empty, current, monkeypatch):
    write(current, config(token="from-file"))
    monkeypatch.setenv("K6_CLOUD_TOKEN", empty)
    assert found_token() == "from-file"


def test_an_empty_argument_is_an_error_and_no_reason_to_look_further(monkeypatch):
    monkeypatch.setenv("K6_CLOUD_TOKEN", "from-environment")
    with pytest.raises(ConfigError, match="the argument token"):
        Client("")


def test_a_malformed_token_names_its_source_and_is_not_repeated(current, monkeypatch):
    write(current, config(token="two words"))
    with pytest.raises(ConfigError, match=r"config\.json") as in_file:
        Client()
    monkeypatch.setenv("K6_CLOUD_TOKEN", "two words")
    with pytest.raises(ConfigError, match="K6_CLOUD_TOKEN") as in_environment:
        Client()
    assert "two words" not in f"{in_file.value} {in_environment.value}"


# --- k6's configuration file --------------------------------------------------------------------


def test_k6_config_names_the_only_file(current, tmp_path, monkeypatch):
    write(current, config(token="from-default"))
    monkeypatch.setenv("K6_CONFIG", str(write(tmp_path / "own.json", config(token="from-own"))))
    assert found_token() == "from-own"
    monkeypatch.setenv("K6_CONFIG", str(tmp_path / "missing.json"))
    with pytest.raises(ConfigError, match=r"missing\.json"):
        found_token()


def test_a_tilde_in_k6_config_is_the_home_folder(tmp_path, monkeypatch):
    write(tmp_path / "home" / "own.json", config(token="from-home"))
    monkeypatch.setenv("K6_CONFIG", "~/own.json")
    assert found_token() == "from-home"


def test_without_xdg_config_home_the_file_is_below_the_home_folder(current, monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    write(current, config(token="below-home"))
    assert found_token() == "below-home"


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
def test_on_other_systems_the_file_is_where_go_s_userconfigdir_puts_it(
    platform, module, name, expected, tmp_path
):
    """That is the roaming folder on Windows, and XDG_CONFIG_HOME does not count on macOS."""
    script = OTHER_SYSTEM.format(module=module, name=name)
    shown = subprocess.run(
        [sys.executable, "-c", script, platform], capture_output=True, text=True, check=False
    )
    assert shown.stdout.strip() == expected.format(home=tmp_path / "home"), shown.stderr


def test_the_legacy_file_is_read_too(legacy):
    write(legacy, config(token="from-legacy"))
    assert found_token() == "from-legacy"


@pytest.mark.parametrize(("seconds", "wins"), [(60, "legacy"), (1, "current"), (-60, "current")])
def test_the_newer_of_two_files_is_used_and_the_current_one_on_a_tie(
    seconds, wins, current, legacy
):
    write(current, config(token="current", stackID=1))
    write(legacy, config(token="legacy", stackID=2))
    now = current.stat().st_mtime
    os.utime(legacy, (now + seconds, now + seconds))
    assert found_token() == wins
    assert found_stacks() == ({"current": "1", "legacy": "2"}[wins],)


@pytest.mark.parametrize(
    "content",
    [{}, [], None, 5, "null", {"collectors": None}, {"collectors": {"cloud": []}}]
    + [config(token=token) for token in (None, 5, "", "  ", ["x"])],
)
def test_a_file_without_a_token_is_skipped(content, current, legacy):
    write(current, content)
    write(legacy, config(token="from-legacy"))
    os.utime(legacy, (1, 1))
    assert found_token() == "from-legacy"


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


def test_a_folder_in_place_of_the_file_is_named(current):
    current.mkdir(parents=True)
    with pytest.raises(ConfigError, match="IsADirectoryError"):
        Client()


def test_with_a_token_from_elsewhere_an_unreadable_file_costs_the_stack_and_warns(current):
    write(current, "{")
    with pytest.warns(UserWarning, match=r"cannot be read.*No stack is taken from it") as warned:
        client = Client("token")
    assert client._settings.stacks == ()
    assert warned[0].filename == __file__


# --- stacks -------------------------------------------------------------------------------------

HUGE = pytest.param(10**5000, id="huge")
TEAM = "https://my-team.grafana.net"


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        (123, "123"),
        (np.int64(123), "123"),
        (2**63 - 1, str(2**63 - 1)),
        ("123", "123"),
        (" 0123\n", "123"),
        ("my-team", TEAM),
        ("My-Team", TEAM),
        ("1e5", "https://1e5.grafana.net"),
        ("my-team.grafana.net", TEAM),
        (TEAM, TEAM),
        (f"{TEAM}/", TEAM),
        (f"{TEAM}:443/a/k6-app/projects/1?orgId=1#x", TEAM),
        ("HTTPS://My-Team.Grafana.net", TEAM),
        ("https://k6.company.example:8443/x", "https://k6.company.example:8443"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_stack_is_an_id_a_slug_or_a_url(value, parsed):
    assert parse_stack(value) == parsed


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, np.True_, 0, -1, 1.0, math.nan, 2**63, HUGE, None, b"1", [], {}),
        *(
            "",
            "  ",
            "0",
            "-1",
            "1.5",
            "²",
            pytest.param("9" * 5000, id="long"),
            "-team",
            "my team",
            "my_team",
            "a" * 64,
        ),
        *("http://my-team.grafana.net", "ftp://localhost", "https://", "https:///x", "//x"),
        *("https://[::1", "https://h:x", "https://é.grafana.net", "https://user:pw@x.grafana.net"),
        *("x\r\nX-Other: 1", "https://x.grafana.net\r\n.evil.example", "my-team.", "\0"),
    ],
)
def test_anything_else_is_refused_with_the_three_forms(value):
    with pytest.raises(ConfigError, match=r"123.*my-team.*https://my-team\.grafana\.net") as caught:
        parse_stack(value)
    assert "pw" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_token_given_as_a_stack_is_not_repeated():
    with pytest.raises(ConfigError) as caught:
        parse_stack("0123456789abcdef" * 5)
    assert "0123456789abcdef01234" not in str(caught.value)


def test_several_stacks_are_an_iterable_and_each_counts_once():
    assert parse_stacks([2, "1", "my-team", 2, TEAM]) == ("2", "1", TEAM)
    assert parse_stacks(pd.Series([3, 4])) == ("3", "4")
    assert parse_stacks(str(n) for n in range(5, 7)) == ("5", "6")
    assert parse_stacks(None) == ()
    for wrong in ([], [1, True], b"12", [[1]]):
        with pytest.raises(ConfigError, match="a stack is given as"):
            parse_stacks(wrong)


def test_the_stack_is_the_argument_else_an_id_else_a_url_else_in_the_file(current, monkeypatch):
    write(current, config(stackURL="https://in-file.grafana.net/x"))
    assert found_stacks() == ("https://in-file.grafana.net",)
    write(current, config(stackID=4, stackURL="https://in-file.grafana.net"))
    assert found_stacks() == ("4",)
    monkeypatch.setenv("K6_CLOUD_STACK_URL", "https://in-url.grafana.net")
    assert found_stacks() == ("https://in-url.grafana.net",)
    monkeypatch.setenv("K6_CLOUD_STACK_ID", "3")
    assert found_stacks() == ("3",)
    assert found_stacks([2, 1]) == ("2", "1")


@pytest.mark.parametrize("empty", [None, "", 0])
def test_an_empty_stack_in_file_or_environment_counts_as_missing(empty, current, monkeypatch):
    write(current, config(token="x", stackID=empty, stackURL=empty))
    monkeypatch.setenv("K6_CLOUD_STACK_ID", " ")
    assert found_stacks() == ()


def test_a_malformed_stack_names_its_source(current, monkeypatch):
    write(current, config(stackID=True))
    with pytest.raises(ConfigError, match=r"config\.json: True is not a stack"):
        found_stacks()
    monkeypatch.setenv("K6_CLOUD_STACK_URL", "http://x.grafana.net")
    with pytest.raises(ConfigError, match="K6_CLOUD_STACK_URL: 'http://x"):
        found_stacks()


def test_the_error_of_a_missing_stack_names_the_ways_and_where_grafana_shows_the_id(current):
    message = str(no_stack_error())
    for way in ("Client(stack=123)", "K6_CLOUD_STACK_ID", "K6_CLOUD_STACK_URL", "k6 cloud login"):
        assert way in message
    assert "Testing & synthetics > Performance > Settings" in message
    assert str(current) in message


# --- the address --------------------------------------------------------------------------------


def test_the_address_is_the_argument_else_the_environment_else_the_api(monkeypatch, token):
    assert Client(token).api_url == "https://api.k6.io"
    monkeypatch.setenv("K6FRAMES_API_URL", "https://one.example/")
    assert Client(token).api_url == "https://one.example"
    assert Client(token, api_url="https://two.example/k6/").api_url == "https://two.example/k6"


def test_k6_s_variable_for_its_ingest_host_is_not_used(monkeypatch, token):
    monkeypatch.setenv("K6_CLOUD_HOST", "https://ingest.example")
    assert Client(token).api_url == "https://api.k6.io"


@pytest.mark.parametrize(
    "address",
    [
        *("api.k6.io", "ftp://api.k6.io", "https://", "https:///v3", "https://h:99999"),
        *("https://h:x", "https://[::1", "https://*", "samples:", "sample:x", 5, b"https://x"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(address, token):
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
def test_a_secret_in_the_address_is_refused_and_not_repeated(address, token):
    with pytest.raises(ConfigError) as caught:
        Client(token, api_url=address)
    assert "ses" not in str(caught.value)
    assert "ame" not in str(caught.value).replace("name", "")


def test_plain_http_to_another_machine_warns(token):
    with pytest.warns(UserWarning, match="not https") as warned:
        Client(token, api_url="http://api.example")
    assert warned[0].filename == __file__
    for host in ("localhost", "127.0.0.1:8080", "[::1]:80"):
        Client(token, api_url=f"http://{host}")


# --- folders ------------------------------------------------------------------------------------


def test_a_file_address_with_a_missing_folder_is_refused(tmp_path):
    for missing in (tmp_path / "gone", tmp_path / ("long" * 100)):
        with pytest.raises(ConfigError, match="There is no folder"):
            Client(api_url=missing.as_uri())


@pytest.mark.parametrize("address", ["file:", "file://", "file://folder", "file://host/folder"])
def test_a_file_address_without_a_path_is_refused(address, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="file:/a/folder"):
        Client(api_url=address)


@pytest.mark.parametrize("name", ["a b", "é", "100%", "a#b", "a?b", "%41"])
def test_a_folder_with_any_name_is_found_by_its_uri(name, tmp_path):
    (tmp_path / name).mkdir()
    found = resolve_settings(None, (tmp_path / name).as_uri(), None, cache=True)
    assert found.folder == tmp_path / name


def test_files_need_no_token_and_no_cache_and_have_their_own_stacks(tmp_path, monkeypatch):
    monkeypatch.setenv("K6_CLOUD_STACK_ID", "3")
    for address in ("sample:", tmp_path.as_uri()):
        found = resolve_settings(None, address, None, cache=True)
        assert (found.token, found.cache_folder, found.stacks) == (None, None, ())
        assert found.folder is not None
        assert found.folder.is_dir()


def test_the_cache_folder_is_the_argument_else_the_environment_else_the_platform_s(
    tmp_path, monkeypatch
):
    assert settings.cache_root(tmp_path / "own") == tmp_path / "own"
    assert settings.cache_root("~/here") == tmp_path / "home" / "here"
    assert settings.cache_root() == tmp_path / "cache"
    monkeypatch.delenv("K6FRAMES_CACHE_DIR")
    assert settings.cache_root() == Path(platformdirs.user_cache_dir("k6frames"))
    assert resolve_settings(Token("t"), None, None, cache=False).cache_folder is None


@pytest.mark.parametrize("cache", [5, None, b"folder", "a\0b", "~nobody-of-this-name/x"])
def test_a_cache_folder_that_cannot_be_one_is_refused(cache):
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
from k6frames.api.settings import resolve_settings, cache_root
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
def test_a_user_without_a_home_folder_gets_an_error_only_where_one_is_needed():
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


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [True, False, np.True_, math.nan, math.inf, -1, 0, "5", None, 1e9, HUGE, 1j, [1]]
)
def test_a_number_outside_of_its_limits_is_refused_and_never_changed(value):
    with pytest.raises(ConfigError, match=r"budget must be a number .*0\.001.*2,000,000") as caught:
        validate_number("budget", value, minimum=0.001, maximum=2_000_000)
    with pytest.raises(ConfigError, match="max_workers must be an integer from 1 to 1,000"):
        validate_integer("max_workers", value, minimum=1, maximum=1000)
    assert len(str(caught.value)) < 150


def test_numbers_within_their_limits_are_exact():
    for value in (0.001, 1_500_000, np.float32(0.5), np.int64(7)):
        assert validate_number("budget", value, minimum=0.001, maximum=2_000_000) == value
    assert validate_number("expire_after", math.inf, minimum=0, maximum=math.inf) == math.inf
    assert validate_number("expire_after", 10**5000, minimum=0, maximum=math.inf) == math.inf
    workers = validate_integer("max_workers", np.int64(8), minimum=1, maximum=1000)
    assert (workers, type(workers)) == (8, int)
