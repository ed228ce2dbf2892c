"""The parts of the catalogue of faults about v6, data, files and the command line."""

from __future__ import annotations

import pytest
from data_faults import DATA_FAULTS
from faults import Fault, check_fault
from v6_faults import V6_FAULTS

CASES = [pytest.param(one, id=one.check.__name__) for one in [*V6_FAULTS, *DATA_FAULTS]]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", CASES)
def test_a_fault_is_handled_as_documented_and_the_token_stays_secret(
    fault: Fault, tmp_path, token, monkeypatch, caplog, capfd
):
    check_fault(fault, fault.versions[0], tmp_path, token, monkeypatch, caplog, capfd)
