"""Error messages and warnings for the command line."""

from __future__ import annotations

import re

import click

MAX_WORD_LENGTH = 200
"""Longer words, such as a number of 5,000 digits, are shortened."""
SHORT_WORD_LENGTH = 60
"""How many characters of a shortened word are left."""

# A long word: the characters to show, those to cut, and the punctuation after it.
_LONG_WORD = re.compile(
    rf"(\S{{{SHORT_WORD_LENGTH}}})\S{{{MAX_WORD_LENGTH - SHORT_WORD_LENGTH + 1},}}?(['.,:;]*)(?!\S)"
)

# Parts of the library's messages that name Python arguments, and what to show instead.
_REPLACEMENTS = {
    # There is no option for the token: other users can see the arguments of a running command.
    '  - Client(token="...")\n': "",
    "the token as Client(token=...) or in K6_CLOUD_TOKEN": "the token in K6_CLOUD_TOKEN",
    "k6frames.Client.sample()": "--sample",
    "Client(stack=123)": "the option --stack 123",
    ", or use Client(cache=False)": "",
    "The argument stack is": "The option --stack is",
    "pass stack= as": "pass --stack as",
    'on_error="warn"': "--on-error warn",
    "with offline=False": "without --offline",
    "offline=True": "--offline",
    "refresh=True": "--refresh",
    ", or with a smaller max_workers": "",
    "(from api_url or K6FRAMES_API_URL)": "(from K6FRAMES_API_URL)",
    "Check api_url": "Check K6FRAMES_API_URL",
    # With the parenthesis, because the path of a request may contain the same words.
    "created_after (": "--since (",
    "created_before (": "--until (",
    "must not be after until (": "must not be after --until (",
    "Leave out the argument by=": "Leave out --by",
    "Choose a longer freq, or pass only rows with the dates that you need": (
        "Choose a longer --freq, or fewer test runs with --since"
    ),
    "or use to_csv or to_parquet": "or use --csv or --parquet",
    "k6frames.sync(folder)": "`k6frames sync FOLDER`",
}
# If a message begins with one of these arguments, the option of the same name is shown.
_ARGUMENT_AT_START = re.compile(r"(by|days|last|metric|query|since) (?=must be |\()")


class InputError(click.ClickException):
    """An invalid argument; unlike a click.UsageError, it is shown without the usage line."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(shorten_words(message))


def translate(message: str) -> str:
    """Return a message of the library with options in place of Python arguments."""
    if _ARGUMENT_AT_START.match(message):
        message = f"--{message}"
    for argument, option in _REPLACEMENTS.items():
        message = message.replace(argument, option)
    # On the command line, there is no frame from which duplicates could be removed.
    message = message.partition(" Remove duplicates with frame.")[0]
    return "\n".join(map(printable, message.splitlines()))


def describe_os_error(error: OSError) -> str:
    """Describe an error of the operating system: the file and the reason."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def shorten_words(message: str) -> str:
    """Return a message with its long words shortened."""
    return _LONG_WORD.sub(r"\1...\2", message)


def printable(text: str) -> str:
    """Return a string with a space in place of each character that is not printable."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 row`` or ``1,200 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def the_last(number: int, noun: str) -> str:
    """Return "the last" with a number and its noun: ``the last day``, ``the last 7 days``."""
    return f"the last {noun}" if number == 1 else f"the last {pluralize(number, noun)}"
