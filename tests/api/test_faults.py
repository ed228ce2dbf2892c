"""The catalogue of faults, run over real sockets and real files."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

import faults
import pytest
from faults import FAULTS, Fault, World

from k6frames.secret import Token


@pytest.fixture
def world(tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch):
    with ExitStack() as stack:
        yield World(tmp_path, token, monkeypatch, stack)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", FAULTS, ids=[f.check.__name__ for f in FAULTS])
def test_what_is_promised_holds_and_the_token_stays_secret(fault: Fault, world: World, caplog):
    caplog.set_level(logging.DEBUG)
    fault.check(world)
    assert faults.leaks(world, caplog.records) == []


def test_the_catalogue_is_large_and_names_each_fault_once():
    assert len(FAULTS) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.check.__name__ for fault in FAULTS}) == len(FAULTS)


def test_the_page_is_the_catalogue():
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(), "run python tests/faults.py"


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_token_in_a_file_is_found_in_base64_too(before, world, token):
    import base64  # noqa: PLC0415

    for number, data in enumerate(
        (token.encode(), base64.b64encode(f"{before}{token} and more".encode()))
    ):
        (world.folder / "planted").write_bytes(b"--" + data + b"--")
        assert faults.leaks(world, []) == [f"file {world.folder / 'planted'}"], number


@pytest.mark.parametrize("place", ["message", "extra", "traceback"])
def test_a_token_in_a_log_record_is_found(place, world, token, caplog):
    caplog.set_level(logging.DEBUG)
    log = logging.getLogger("some.library")
    if place == "message":
        log.debug("%s", token)
    elif place == "extra":
        log.debug("nothing", extra={"more": token})
    else:
        try:
            raise ValueError(token)
        except ValueError:
            log.exception("nothing")
    assert faults.leaks(world, caplog.records) == ["log record of some.library"]


@pytest.mark.parametrize("place", ["text", "context", "attribute"])
def test_a_token_in_an_exception_is_found(place, world, token):
    error = ValueError("nothing")
    if place == "text":
        error = ValueError(token)
    elif place == "context":
        error.__context__ = ValueError(token)
    else:
        error.request = token
    world.errors.append(error)
    assert faults.leaks(world, []) == ["ValueError"]


def test_a_token_in_a_local_of_our_frames_is_found(world, token):
    code = "def ours(held, secret):\n    raise ValueError('nothing')\n"
    module: dict[str, object] = {"__name__": "k6frames.planted"}
    exec(code, module)
    with pytest.raises(ValueError, match="nothing") as caught:
        module["ours"]({"in": [token]}, Token(token))
    world.errors.append(caught.value)
    assert faults.leaks(world, []) == ["ours: held"]
