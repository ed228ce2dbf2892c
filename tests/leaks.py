"""Where a token must not be: files, log records, output, exceptions, tracebacks with locals."""

from __future__ import annotations

import base64
import pickle
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

TESTS = str(Path(__file__).parent)
FRAGMENT_LENGTH = 12


def is_in_text(token: str, text: str) -> bool:
    """Whether a text has the token, or its beginning or end, in upper or lower case."""
    text = text.lower()
    return any(part.lower() in text for part in (token[:FRAGMENT_LENGTH], token[-FRAGMENT_LENGTH:]))


def is_in_bytes(token: str, data: bytes) -> bool:
    """Whether bytes have the token as it is or within base64, as the cache writes bodies."""
    encoded = [
        # Three alignments; the characters at both ends depend on what is around the token.
        base64.b64encode(b"x" * shift + token.encode())[4:-4]
        for shift in range(3)
    ]
    return any(form in data for form in (token.encode(), *encoded))


def leaks_in_files(token: str, folder: Path) -> list[str]:
    return [
        f"file {file}"
        for file in folder.rglob("*")
        if file.is_file() and is_in_bytes(token, file.read_bytes())
    ]


def leaks_in_logs(token: str, records: Iterable[Any]) -> list[str]:
    return [
        f"log record of {record.name}"
        for record in records
        if is_in_text(token, f"{record.getMessage()} {vars(record)} {_format(record.exc_info)}")
    ]


def _format(exc_info: Any) -> str:
    return "".join(traceback.format_exception(*exc_info)) if exc_info else ""


def leaks_in_error(token: str, error: BaseException) -> list[str]:
    """Every place in which an exception shows the token.

    The exceptions behind it count as well, also those that `from None` hides; of the frames, those
    of k6frames, and all that a traceback with locals shows.
    """
    found = []
    if is_in_bytes(token, pickle.dumps(error)):
        found.append(f"pickled {type(error).__name__}")
    shown = {id(link) for link in _chain(error, hidden=False)}
    for link in _chain(error, hidden=True):
        if is_in_text(token, f"{link} {link!r} {link.args!r} {vars(link)!r}"):
            found.append(type(link).__name__)
        for frame in _frames(link.__traceback__):
            is_ours = str(frame.f_globals.get("__name__", "")).startswith("k6frames")
            is_test = frame.f_code.co_filename.startswith(TESTS)
            if is_ours or (id(link) in shown and not is_test):
                found += [
                    f"{frame.f_code.co_qualname}: {name}"
                    for name, value in frame.f_locals.items()
                    if is_in_text(token, _repr(value))
                ]
    return found


def _frames(tb: TracebackType | None) -> Iterator[FrameType]:
    return (frame for frame, _ in traceback.walk_tb(tb))


def _chain(error: BaseException, *, hidden: bool) -> Iterator[BaseException]:
    """Yield an exception and those behind it."""
    chain = [error]
    for link in chain:
        context = None if link.__suppress_context__ and not hidden else link.__context__
        chain += [
            e
            for e in (link.__cause__, context)
            if e is not None and not any(e is seen for seen in chain)
        ]
        yield link


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - pytest shows such a value as its error
        return repr(error)
