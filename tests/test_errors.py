"""The exceptions that k6frames raises."""

from __future__ import annotations

import copy
import pickle

import pytest
from servers import LIST, empty_reply

from k6frames.api.endpoints import Request
from k6frames.api.list_page import MalformedPageError
from k6frames.errors import APIError, ConfigError, K6FramesError, SchemaError


@pytest.mark.parametrize("kind", [APIError, ConfigError, SchemaError])
def test_one_base_class_catches_all(kind):
    assert issubclass(kind, K6FramesError)
    assert issubclass(kind, ValueError) is (kind is not APIError)


@pytest.mark.parametrize("code", [3, "not_found", None])
@pytest.mark.parametrize("way", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_an_api_error_survives_pickling_and_copying(way, code):
    error = way(APIError(404, code, "what happened", "https://127.0.0.1/v3"))
    assert type(error) is APIError
    assert (error.status, error.code) == (404, code)
    assert (error.message, error.url) == ("what happened", "https://127.0.0.1/v3")
    assert str(error) == "what happened"


def test_an_api_error_of_a_real_request_survives_pickling(serve, connect):
    server = serve(empty_reply(404))
    with pytest.raises(APIError) as caught:
        connect(server).get(LIST)
    assert caught.value.url == server.url + LIST
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.args, str(again)) == (caught.value.args, str(caught.value))


def test_a_malformed_page_survives_pickling():
    error = MalformedPageError("what happened", Request("/x", 5), b"body")
    again = pickle.loads(pickle.dumps(error))
    assert (again.request, again.body, str(again)) == (error.request, b"body", "what happened")


@pytest.mark.parametrize("kind", [ConfigError, SchemaError])
def test_the_other_errors_survive_pickling(kind):
    error = pickle.loads(pickle.dumps(kind("what happened")))
    assert (type(error), str(error)) == (kind, "what happened")
