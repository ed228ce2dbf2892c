"""The argument `on_error`, and the advice to pass it."""

from __future__ import annotations

from k6frames.api.on_error import suggest_on_error, without_advice
from k6frames.api.paging import InconsistentListError
from k6frames.errors import APIError


def test_the_advice_can_be_removed_again():
    error = APIError(status=403, code=None, message="Forbidden.", url="/v3/organizations/1")
    advised = suggest_on_error(error, several=True)
    assert str(advised) == 'Forbidden. To read the rest without it, pass on_error="warn".'
    assert str(without_advice(advised)) == "Forbidden."


def test_an_error_without_advice_keeps_its_class():
    error = InconsistentListError(status=None, code=None, message="It changed.", url="/x")
    assert without_advice(error) is error
