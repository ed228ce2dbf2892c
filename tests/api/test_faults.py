"""The catalogue of faults, run over real sockets and real files."""

from __future__ import annotations

import base64
import logging

import fault_catalogue
import leaks
import pytest
from fault_catalogue import FAULTS
from faults.sandbox import Fault, check_fault

from k6frames.api.token import Token

CASES = [
    pytest.param(fault, version, id=f"{fault.check.__module__}.{fault.check.__name__}-{version}")
    for fault in FAULTS
    for version in fault.versions
]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(("fault", "version"), CASES)
def test_a_fault_is_handled_as_documented_and_the_token_stays_secret(
    fault: Fault, version, tmp_path, token, monkeypatch, caplog, capfd
):
    check_fault(fault, version, tmp_path, token, monkeypatch, caplog, capfd)


def test_the_catalogue_names_each_fault_once():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_page_is_up_to_date():
    committed = fault_catalogue.PAGE.read_text(encoding="utf-8")
    assert committed == fault_catalogue.page(), f"run {fault_catalogue.COMMAND}"


# --- leaked tokens are found --------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_token_in_a_file_is_found_even_in_base64(before, tmp_path, token):
    for data in (token.encode(), base64.b64encode(f"{before}{token} and more".encode())):
        (tmp_path / "file").write_bytes(b"--" + data + b"--")
        assert leaks.leaks_in_files(token, tmp_path) == [f"file {tmp_path / 'file'}"]


@pytest.mark.parametrize("place", ["message", "extra", "traceback"])
def test_a_token_in_a_log_record_is_found(place, token, caplog):
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
    assert leaks.leaks_in_logs(token, caplog.records) == ["log record of some.library"]


@pytest.mark.parametrize("place", ["text", "context", "attribute", "beginning", "lower case"])
def test_a_token_in_an_exception_is_found(place, token):
    error = ValueError("nothing")
    if place == "context":
        error.__context__ = ValueError(token)
    elif place == "attribute":
        error.request = token
    else:
        text = {"text": token, "beginning": token[:15], "lower case": token.lower()}[place]
        error = ValueError(text)
    assert "ValueError" in leaks.leaks_in_error(token, error)


@pytest.mark.parametrize("module", ["k6frames.invented", "some.library"])
def test_a_token_in_a_local_variable_is_found(module, token):
    code = "def work(held, secret):\n    raise ValueError('nothing')\n"
    namespace: dict[str, object] = {"__name__": module}
    exec(code, namespace)
    with pytest.raises(ValueError, match="nothing") as caught:
        namespace["work"]({"in": [token]}, Token(token))
    assert leaks.leaks_in_error(token, caught.value) == ["work: held"]
