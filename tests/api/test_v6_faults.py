"""The v6 part of the catalogue of faults, run over a real socket."""

from __future__ import annotations

from contextlib import ExitStack

import leaks
import pytest
from faults import Fault, Sandbox
from v6_faults import V6_FAULTS


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", V6_FAULTS, ids=[fault.check.__name__ for fault in V6_FAULTS])
def test_the_promise_holds_and_the_token_stays_secret(fault: Fault, tmp_path, token, monkeypatch):
    with ExitStack() as stack:
        box = Sandbox(tmp_path, token, monkeypatch, stack, "v6")
        fault.check(box)
    assert leaks.leaks_in_files(token, tmp_path) == []
    assert not any(token in f"{error} {error!r}" for error in box.errors)
