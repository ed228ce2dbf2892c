"""The attrs of a frame are those of the frames that it was made from."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from k6frames.tables.attrs import combine_attrs


def with_attrs(**attrs: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"x": [1]})
    frame.attrs.update(attrs)
    return frame


def test_combine_attrs_takes_the_oldest_time_and_every_failure_once() -> None:
    one, two = {"path": "/1", "org_id": 1}, {"path": "/2", "org_id": 2}
    result = combine_attrs(
        with_attrs(other="dropped"),
        with_attrs(fetched="2026-07-02", failed=[one]),
        with_attrs(fetched="2026-07-01", failed=[two, one]),
        with_attrs(),
    )
    assert result.attrs == {"fetched": "2026-07-01", "failed": [one, two]}


def test_combine_attrs_of_frames_without_attrs_is_empty() -> None:
    assert combine_attrs(with_attrs(), with_attrs()).attrs == {}


@pytest.mark.parametrize("value", [5, "x", [5], [{}], {"path": 1}, None])
def test_combine_attrs_ignores_values_of_another_type(value: Any) -> None:
    assert combine_attrs(with_attrs(fetched=5, failed=value), with_attrs()).attrs == {}


def test_combine_attrs_shares_nothing_with_its_sources() -> None:
    source = with_attrs(failed=[{"path": "/1"}])
    combine_attrs(with_attrs(), source).attrs["failed"][0]["path"] = "changed"
    assert source.attrs == {"failed": [{"path": "/1"}]}
