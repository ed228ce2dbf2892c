"""Accounts in a folder: which file is the response to a request, and how it is read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from k6frames.api.folder import FolderAdapter, response_file
from k6frames.errors import APIError

VALUES = "/cloud/v5/load_tests/7/query_aggregate_k6"


@pytest.mark.parametrize(
    ("path", "stack", "expected"),
    [
        ("/v3/organizations", None, "v3/organizations"),
        ("/v3/organizations/5/projects?x=/y", None, "v3/organizations/5/projects"),
        ("/cloud/v6/test_runs?$count=true&$top=9", 12, "stacks/12/cloud/v6/test_runs"),
        ("/cloud/v6/project-limits", "12", "stacks/12/cloud/v6/project-limits"),
        (
            f"{VALUES}(query='quantile(0.95)',metric='a_b',test_run_ids=[1,2])",
            1,
            f"stacks/1{VALUES}(query='quantile(0.95)',metric='a_b',test_run_ids=[1,2])",
        ),
        (
            f'{VALUES}(metric=\'a{{b!="0",c=~"x|y"}}\')',
            1,
            f"stacks/1{VALUES}(metric='a%7Bb%21=%220%22,c=~%22x%7Cy%22%7D')",
        ),
        ("/x(start=2026-06-01T10:00:00Z)", None, "x(start=2026-06-01T10%3A00%3A00Z)"),
    ],
)
def test_a_request_has_one_file(path, stack, expected):
    assert str(response_file(path, stack)) == f"{expected}.json"
    # It does not matter how much of the path is percent-encoded.
    url = requests.Request("GET", f"https://h{path}").prepare().url
    assert response_file(url.removeprefix("https://h"), stack) == response_file(path, stack)


@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.text("./\\%2eEfF?~ \0", max_size=40),
    stack=st.none() | st.text("./\\1", max_size=8),
)
def test_no_file_is_outside_the_folder(path, stack):
    try:
        file = response_file(path, stack)
    except ValueError:
        return
    assert not file.is_absolute()
    assert ".." not in file.parts
    assert not set("\\:\0") & set(str(file))
    assert os.path.normpath(file) == str(file)


# --- reading ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.json").write_text('"secret"')
    return tmp_path / "account"


def put(folder: Path, name: str, text: str = "{}") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def get(folder: Path, path: str, *, stack: int | None = None) -> requests.Response:
    session = requests.Session()
    session.mount("file:account", FolderAdapter(folder, "file:account"))
    headers = {} if stack is None else {"X-Stack-Id": str(stack)}
    return session.get(f"file:account{path}", headers=headers)


def test_a_response_has_the_content_and_the_time_of_its_file(folder):
    file = put(folder, "v3/organizations.json", '{"organizations": []}')
    os.utime(file, (1_750_000_000.25, 1_750_000_000.25))
    response = get(folder, "/v3/organizations")
    assert (response.status_code, response.content) == (200, b'{"organizations": []}')
    modified = datetime.fromisoformat(response.headers["Last-Modified"])
    assert modified == datetime(2025, 6, 15, 15, 6, 40, 250_000, UTC)


def test_two_stacks_never_share_a_file(folder):
    put(folder, "stacks/1/cloud/v6/projects.json", '"one"')
    put(folder, "stacks/2/cloud/v6/projects.json", '"two"')
    bodies = [get(folder, "/cloud/v6/projects?$top=5", stack=n).content for n in (1, 2)]
    assert bodies == [b'"one"', b'"two"']
    with pytest.raises(APIError):
        get(folder, "/cloud/v6/projects")


@pytest.mark.parametrize(
    ("path", "stack", "name"),
    [
        ("/v3/organizations/5", None, "v3/organizations/5.json"),
        ("/cloud/v6/projects?$top=1", 3, "stacks/3/cloud/v6/projects.json"),
        ("/folder", None, "folder.json"),
        ("/file/x", None, "file/x.json"),
        ("/pipe", None, "pipe.json"),
        ("/link", None, "link.json"),
    ],
)
def test_a_missing_file_is_a_404_that_names_it(path, stack, name, folder):
    put(folder, "folder.json/x")
    put(folder, "file")
    os.mkfifo(folder / "pipe.json")
    (folder / "link.json").symlink_to(folder.parent / "secret.json")
    with pytest.raises(APIError) as caught:
        get(folder, path, stack=stack)
    assert caught.value.status == 404
    assert f"{name} in {folder}" in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/../secret", "/%2e%2e/secret", "/x/%2E./../secret", "/", "//", "/a//b", "/loop"]
)
def test_a_path_that_leads_outside_the_folder_or_to_no_file_is_an_error(path, folder):
    put(folder, "x/y.json")
    (folder / "loop.json").symlink_to("loop.json")
    with pytest.raises(APIError, match="cannot be read") as caught:
        get(folder, path)
    assert caught.value.status is None
