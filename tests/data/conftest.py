"""The committed sample account, as files and as frames."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from k6frames import tables
from k6frames.parsing import read

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"

sys.path.insert(0, str(ROOT / "data"))  # for make_samples and the modules that it imports

Load = Callable[[str], Any]


@pytest.fixture(scope="session")
def load() -> Load:
    """Read a committed file, such as ``"v3/organizations"``; v6 is that of the stack."""

    def from_json(name: str) -> Any:
        if name.startswith(("v5/", "v6/")):
            name = f"stacks/48213/cloud/{name}"
        return json.loads((SAMPLES / f"{name}.json").read_bytes())

    return from_json


@pytest.fixture(scope="session")
def runs() -> pd.DataFrame:
    """The test runs as returned by `test_runs_df`."""
    body = (SAMPLES / "stacks/48213/cloud/v6/test_runs.json").read_bytes()
    arrow = read(tables.TEST_RUNS, {"test_runs": body}, constants={"stack_id": [48213]})
    return tables.TEST_RUNS.conform(tables.TEST_RUNS.to_frame(arrow))


@pytest.fixture(scope="session")
def as_of(load: Load) -> pd.Timestamp:
    """The fixed timestamp of the account."""
    return pd.Timestamp(load("account")["as_of"])
