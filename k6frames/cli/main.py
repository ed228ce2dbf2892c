"""The `k6frames` command: its subcommands, error messages, signals and exit codes."""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn

import click

from k6frames.cli.cache import cache
from k6frames.cli.history import changes, snapshot, sync
from k6frames.cli.idle import idle
from k6frames.cli.lab import lab
from k6frames.cli.load_tests import limits, load_tests, schedules, test_runs
from k6frames.cli.messages import InputError, describe_os_error, printable, shorten_words, translate
from k6frames.cli.metrics import metrics
from k6frames.cli.organizations import organizations, projects
from k6frames.cli.report import report
from k6frames.cli.results import results
from k6frames.cli.summary import summary
from k6frames.cli.usage import budget, usage
from k6frames.errors import K6FramesError

_PACKAGE = Path(__file__).parent.parent
_SECTIONS = {
    "Your account": (summary, organizations, projects, load_tests, schedules, limits, cache),
    "Test runs": (test_runs, results, metrics, usage, budget, idle),
    "History": (sync, changes, snapshot),
    "Documents": (report, lab),
}
# SIGHUP and SIGQUIT do not exist on Windows.
_TERMINATION_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
]


class CommandLine(click.Group):
    """A group that shows an expected error as a message instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and convert expected errors to click exceptions."""
        with warnings.catch_warnings():
            warnings.filterwarnings("always", category=UserWarning)
            warnings.showwarning = functools.partial(_show_warning, set())
            try:
                return super().invoke(ctx)
            except click.UsageError as error:
                help_command = f"{error.ctx.command_path if error.ctx else 'k6frames'} --help"
                message = shorten_words(error.format_message()).rstrip(".")
                raise InputError(f"{message}; see {help_command}.") from None
            except K6FramesError as error:
                raise click.ClickException(translate(str(error))) from None
            except BrokenPipeError:  # an OSError that is not shown; click exits with status 1
                raise
            except OSError as error:
                raise click.ClickException(printable(describe_os_error(error))) from None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the commands in sections instead of in alphabetical order."""
        width = max(map(len, self.commands))
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                rows = [(str(c.name).ljust(width), c.get_short_help_str(70)) for c in commands]
                formatter.write_dl(rows)


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Shell completion for bash, in ~/.bashrc (for zsh and fish: zsh_source and fish_source):
  eval "$(_K6FRAMES_COMPLETE=bash_source k6frames)"
""",
)
@click.version_option(package_name="k6frames")
def cli() -> None:
    """Grafana Cloud k6 accounts as tables, files and a report.

    The token comes from K6_CLOUD_TOKEN or `k6 cloud login`, and the Grafana stack from --stack,
    K6_CLOUD_STACK_ID, K6_CLOUD_STACK_URL or `k6 cloud login`. With --sample, a command reads the
    sample account, which needs neither. Every command has --help with examples.
    """


for _commands in _SECTIONS.values():
    for _command in _commands:
        cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line and exit: 0 if all is well, 1 for an error, 2 for wrong usage.

    Arguments that only the library checks give 1.

    A signal n gives 128 + n, so Ctrl-C gives 130.
    """
    _prepare_streams()
    handle_termination_signals()
    try:
        status = cli(prog_name="k6frames", standalone_mode=False) or 0
    except click.Abort:  # Ctrl-C
        # Not sys.exit, here and below: it would wait for threads that are waiting for a server.
        # Nothing is lost: a file is replaced when the new one is complete, and each response is
        # cached when it arrives.
        os._exit(130)
    except SystemExit as terminated:  # from `_terminate`, or from click for a closed pipe
        os._exit(terminated.code if isinstance(terminated.code, int) else 1)
    except click.ClickException as error:
        error.show()
        _flush_output()
        sys.exit(error.exit_code)
    except OSError as error:  # from `k6frames --help`, which does not call CommandLine.invoke
        click.echo(f"Error: {printable(describe_os_error(error))}", err=True)
        _flush_output()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - a bug: show one line, not a traceback
        click.echo(f"Error: {_describe_bug(error)}", err=True)
        sys.exit(1)
    sys.exit(status)


def _prepare_streams() -> None:
    """Handle closed streams, and characters that the encoding of a stream does not have."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        click.echo(
            "Error: Standard output is closed; redirect it, for example to a file.", err=True
        )
        sys.exit(1)
    # Backslash escapes keep the character, but in a table on a terminal they shift the columns.
    errors = "replace" if sys.stdout.isatty() else "backslashreplace"
    sys.stdout.reconfigure(errors=errors)  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def handle_termination_signals() -> None:
    """Exit with an exception if a signal terminates the process."""
    for number in _TERMINATION_SIGNALS:
        # A signal that is already ignored, as by nohup, stays ignored.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _terminate)
    sys.unraisablehook = _repeat_signal


def _repeat_signal(unraisable: sys.UnraisableHookArgs) -> None:
    """Send a signal again if its exception was raised in a destructor or callback.

    Python discards such an exception, so the process would go on. Matplotlib has many weak
    references with callbacks: without this, one of 13 signals had no effect while plots were drawn.
    """
    error = unraisable.exc_value
    if isinstance(error, KeyboardInterrupt):
        number = int(signal.SIGINT)
    elif isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128:
        number = error.code - 128
        signal.signal(number, _terminate)
    else:
        sys.__unraisablehook__(unraisable)
        return
    # Not at once, because the new exception would be discarded, too. Not raise_signal, which would
    # not wake up the main thread.
    threading.Timer(0.05, os.kill, [os.getpid(), number]).start()


def _terminate(number: int, _: object) -> NoReturn:
    """Exit with an exception, so that temporary files are removed, and ignore later signals."""
    for other in _TERMINATION_SIGNALS:
        # Not SIG_IGN: Python would print an OSError if another of the signals is already pending.
        signal.signal(other, lambda *_: None)
    raise SystemExit(128 + number)


def _flush_output() -> None:
    """Flush the output; if that fails, discard the rest, or Python would fail again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _describe_bug(error: Exception) -> str:
    entries = traceback.extract_tb(error.__traceback__)
    # Never empty: `main` is always one of them.
    own = [entry for entry in entries if Path(entry.filename).is_relative_to(_PACKAGE)]
    text = printable(shorten_words(f"{type(error).__name__}: {error}"))
    return (
        f"This is a bug in k6frames; please report it. {text} "
        f"(line {own[-1].lineno} of {own[-1].filename})"
    )


def _show_warning(shown: set[str], message: Warning | str, *_: object, **__: object) -> None:
    text = translate(str(message))
    # If a stack refuses access, all requests to it fail, with warnings that differ only in the
    # path. Only the first of them is shown.
    cause = re.sub(r"/cloud/v6/\S+", "", text) if "HTTP 403" in text else text
    if cause not in shown:
        shown.add(cause)
        click.echo(f"Warning: {text}", err=True)
