"""Errors and warnings as the command line shows them: options instead of Python."""

from __future__ import annotations

import re
from itertools import count

import click

MAX_WORD_LENGTH = 200
"""A longer word in an argument, such as a number of 5,000 digits, is shortened."""

# The messages of k6frames are for Python: what they say about arguments becomes options.
_TRANSLATIONS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # The token has no option: others on the machine can read the arguments of a command.
        (
            r"Give one in any of three ways:\n +1\. Client\(token=\"\.\.\.\"\)",
            "Give it in one of these ways:",
        ),
        (r"Client\(token=\.\.\.\) or in K6_CLOUD_TOKEN", "K6_CLOUD_TOKEN"),
        (r"Give the token as K6_CLOUD_TOKEN", "Give the token in K6_CLOUD_TOKEN"),
        (r"k6frames\.Client\.sample\(\)", "--sample"),
        (r"Client\(stack=(\S+)\)", r"the option --stack \1"),
        (r", or use Client\(cache=False\)", ""),
        (r"\bthe argument stack\b", "--stack"),
        (r"\bThe argument stack\b", "The option --stack"),
        (r"\bstack= as one of\b", "--stack as one of"),
        (r'\bon_error="(\w+)"', r"--on-error \1"),
        (r"\bwith offline=False\b", "without --offline"),
        (r"\boffline=True\b", "--offline"),
        (r"\brefresh=True\b", "--refresh"),
        (r", or with a smaller max_workers", ""),
        (r"\(from api_url or K6FRAMES_API_URL\)", "(from K6FRAMES_API_URL)"),
        (r"\bCheck api_url\b", "Check K6FRAMES_API_URL"),
        # In the path of a request, the words stay those of the API.
        (r"\bcreated_after\b(?!=)", "--since"),
        (r"\bcreated_before\b(?!=)", "--until"),
        (r"\bas_of\b", "--as-of"),
        (r"^since \((\S+)\) must not be after until\b", r"--since (\1) must not be after --until"),
        (r"\bk6frames\.sync\(folder\)", "`k6frames sync FOLDER`"),
        (r"^(days|last|metric|query|by) must be\b", r"--\1 must be"),
        (r"leave out the argument by\b", "leave out --by"),
        (r"\bChoose a longer freq, or pass only rows with the dates that you need", (
            "Choose a longer --freq, or fewer test runs with --since"
        )),
        (r"\bor use to_csv or to_parquet\b", "or use --csv or --parquet"),
        (r" Remove duplicates with frame\.drop_duplicates\(\[.*?\]\)\.", ""),
    )
)  # fmt: skip


class InputError(click.ClickException):
    """An argument that cannot be used; unlike click's own errors, it is shown on one line."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(shorten_words(message))


def translate(message: str) -> str:
    """Return a message of k6frames in the words of the command line, line breaks kept."""
    for pattern, replacement in _TRANSLATIONS:
        message = pattern.sub(replacement, message)
    return "\n".join(map(printable, _number_items(message).splitlines()))


def _number_items(message: str) -> str:
    """Number the items of a list again, in case that one was removed."""
    numbers = count(1)
    return re.sub(
        r"^( +)\d+\. ", lambda item: f"{item[1]}{next(numbers)}. ", message, flags=re.MULTILINE
    )


def describe_os_error(error: OSError) -> str:
    """Return what the operating system could not do, and with which file."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def shorten_words(message: str) -> str:
    """Return a message with its long words shortened."""
    return re.sub(rf"(\S{{60}})\S{{{MAX_WORD_LENGTH - 60},}}?('?)(?!\S)", r"\1...\2", message)


def printable(text: str) -> str:
    """Return a text without line breaks and characters that could control a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 row`` or ``1,200 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
