"""Error messages and warnings for the command line."""

from __future__ import annotations

import re
from itertools import count

import click

MAX_WORD_LENGTH = 200
"""Longer words, such as a number of 5,000 digits, are shortened."""
SHORT_WORD_LENGTH = 60

# The library's messages name Python arguments; these patterns replace them with options.
_TRANSLATIONS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # There is no --token: other users can see the arguments of a running command.
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
        (r"\bthe argument by\b", "--by"),
        (r"\bChoose a longer freq, or pass only rows with the dates that you need", (
            "Choose a longer --freq, or fewer test runs with --since"
        )),
        (r"\bor use to_csv or to_parquet\b", "or use --csv or --parquet"),
        (r" Remove duplicates with frame\.drop_duplicates\(\[.*?\]\)\.", ""),
    )
)  # fmt: skip


class InputError(click.ClickException):
    """An invalid argument; unlike click's own errors, it is shown without the usage line."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(shorten_words(message))


def translate(message: str) -> str:
    """Return a message of the library with options in place of Python arguments."""
    for pattern, replacement in _TRANSLATIONS:
        message = pattern.sub(replacement, message)
    return "\n".join(map(printable, _number_items(message).splitlines()))


def _number_items(message: str) -> str:
    """Renumber the items of a list, in case one was removed."""
    numbers = count(1)
    return re.sub(
        r"^( +)\d+\. ", lambda item: f"{item[1]}{next(numbers)}. ", message, flags=re.MULTILINE
    )


def describe_os_error(error: OSError) -> str:
    """Describe an error of the operating system: the file and the reason."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def shorten_words(message: str) -> str:
    """Return a message with its long words shortened."""
    return re.sub(rf"\S{{{MAX_WORD_LENGTH + 1},}}", _shorten, message)


def _shorten(word: re.Match[str]) -> str:
    closing_quote = "'" if word[0].endswith("'") else ""
    return f"{word[0][:SHORT_WORD_LENGTH]}...{closing_quote}"


def printable(text: str) -> str:
    """Return a text with spaces in place of line breaks and control characters."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 row`` or ``1,200 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
