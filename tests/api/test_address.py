"""The API's address, and that of a folder of responses."""

from __future__ import annotations

import warnings

import pytest

import k6frames
from k6frames.api.client import Client
from k6frames.api.settings import resolve_settings
from k6frames.errors import ConfigError


def test_the_address_is_the_argument_else_the_environment_else_the_api(monkeypatch, token):
    assert Client(token).api_url == "https://api.k6.io"
    monkeypatch.setenv("K6FRAMES_API_URL", "https://one.example/")
    assert Client(token).api_url == "https://one.example"
    assert Client(token, api_url="").api_url == "https://one.example"
    assert Client(token, api_url="https://two.example/k6/").api_url == "https://two.example/k6"


def test_the_variable_for_the_ingest_host_of_k6_is_not_used(monkeypatch, token):
    monkeypatch.setenv("K6_CLOUD_HOST", "https://ingest.example")
    assert Client(token).api_url == "https://api.k6.io"


@pytest.mark.parametrize(
    "address",
    [
        *("api.k6.io", "ftp://api.k6.io", "https://", "https:///v3", "https://h:99999"),
        *("https://h:x", "https://[::1", "https://*", "samples:", "sample:x", 5, b"https://x"),
    ],
)
def test_an_invalid_address_is_refused(address, token):
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
        "ses:ame@api.k6.io?to=https://h",
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


def test_the_default_client_warns_once_with_the_line_that_needs_it(token, monkeypatch):
    monkeypatch.setenv("K6_CLOUD_TOKEN", token)
    monkeypatch.setenv("K6FRAMES_API_URL", "http://api.example")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(2):
            with pytest.raises(ConfigError, match="No Grafana stack"):
                k6frames.load_tests_df()
    (warning,) = warned
    assert warning.filename == __file__


def test_plain_http_to_another_machine_warns(token):
    with pytest.warns(UserWarning, match="not https") as warned:
        Client(token, api_url="http://api.example")
    assert warned[0].filename == __file__
    for host in ("localhost", "127.0.0.1:8080", "[::1]:80"):
        Client(token, api_url=f"http://{host}")


def test_a_file_address_with_a_missing_folder_is_refused(tmp_path):
    for missing in (tmp_path / "gone", tmp_path / ("long" * 100)):
        with pytest.raises(ConfigError, match="There is no folder"):
            Client(api_url=missing.as_uri())


@pytest.mark.parametrize(
    "address", ["file:", "file://", "file://folder", "file://host/folder", "file:a#b", "file:a?b"]
)
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
