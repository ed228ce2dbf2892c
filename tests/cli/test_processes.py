"""Commands as processes: streams, signals and unexpected errors."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

import k6frames

NAME = "Zażółć 月うさぎ 🚀"


@pytest.fixture
def account(tmp_path, monkeypatch) -> None:
    """An account with a name that few encodings can represent."""
    folder = tmp_path / "account" / "v3"
    folder.mkdir(parents=True)
    body = {"organizations": [{"id": 1, "name": NAME}]}
    (folder / "organizations.json").write_text(json.dumps(body))
    monkeypatch.setenv("K6FRAMES_API_URL", folder.parent.as_uri())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_output_in_any_encoding_is_written(
    encoding: str, account, run_process, monkeypatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    listed = run_process("organizations", "--columns", "name", text=False)
    failed = run_process("organizations", "--org", "nobody", text=False)
    assert (listed.returncode, failed.returncode) == (0, 2)
    for output in (listed.stdout, failed.stderr):
        # click writes UTF-8 if the encoding of Python is ASCII.
        assert NAME.encode() in output or rb"\u6708\u3046\u3055\u304e" in output
        assert b"Traceback" not in output


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_signal_during_a_destructor_ends_the_process_too(name: str, status: int) -> None:
    code = f"""
import os, signal, sys, time
from k6frames.cli import main

class Destroyed:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        sum(range(1000))

main.handle_termination_signals()
try:
    destroyed = Destroyed()
    del destroyed
    time.sleep(30)
except KeyboardInterrupt:
    sys.exit(130)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], check=False, stderr=subprocess.PIPE, timeout=20
    )
    assert (process.returncode, process.stderr) == (status, b"")


def test_json_on_standard_output_is_utf_8_in_any_encoding(
    account, run_process, monkeypatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    done = run_process("organizations", "--json", "-", text=False)
    assert json.loads(done.stdout)[0]["name"] == NAME


def test_real_terminal_gets_a_table_of_its_width() -> None:
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    code = (
        "import fcntl, struct, sys, termios\n"
        "fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 60, 0, 0))\n"
        "sys.argv = ['k6frames', 'test-runs', '--sample', '--limit', '3']\n"
        "from k6frames.cli.main import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=child, stderr=child, env=environment
    ) as process:
        os.close(child)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while part := os.read(parent, 65536):
                shown += part
        os.close(parent)
    lines = shown.decode().splitlines()
    assert process.returncode == 0
    assert lines[0].split()[:3] == ["test_run_id", "created", "load_test_name"]
    assert len(lines) == 6
    assert max(map(len, lines[:-1])) <= 60


SHELL = {
    "k6frames organizations --sample >&-": (
        1, "", "Error: Standard output is closed; redirect it, for example to a file.\n"
    ),
    "k6frames organizations --sample >/dev/full": (1, "", "Error: No space left on device\n"),
    "k6frames --help >/dev/full": (1, "", "Error: No space left on device\n"),
    "k6frames organizations --sample --csv - >/dev/full": (
        1, "", "Error: No space left on device\n"
    ),
    "k6frames nonsense 2>&-": (2, "", ""),
    "k6frames test-runs --sample --csv - | head -c 8": (0, '"stack_i', ""),
    "k6frames test-runs --sample --csv /dev/stdout | head -c 8": (0, '"stack_i', ""),
    "echo kept >a; k6frames organizations --sample --csv /dev/stdout --limit 0 >>a; wc -l <a": (
        0, "2\n", "Wrote 0 rows to /dev/stdout.\n"
    ),
    "k6frames organizations --sample --csv >(wc -l >a) --limit 3; "
    "until [ -s a ]; do sleep 0.1; done; cat a": (
        0, "4\n", None
    ),
    "k6frames organizations --sample --json /dev/fd/3 --limit 0 3>a; cat a": (
        0, "[]\n", "Wrote 0 rows to /dev/fd/3.\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", SHELL)
def test_streams_of_the_shell(line: str, tmp_path) -> None:
    command = f"{sys.executable} -m k6frames.cli"
    done = subprocess.run(
        ["bash", "-c", line.replace("k6frames", command, 1)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    status, output, error = SHELL[line]
    assert (done.returncode, done.stdout) == (status, output)
    assert "Traceback" not in done.stderr
    if error is not None:
        assert done.stderr == error


@pytest.fixture
def silent_server(monkeypatch) -> Iterator[socket.socket]:
    """A server that accepts a request and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("K6_CLOUD_TOKEN", "abc")
        monkeypatch.setenv("K6FRAMES_API_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield server


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_a_command_at_once_without_a_traceback(
    number: int, status: int, silent_server
) -> None:
    command = [sys.executable, "-m", "k6frames.cli", "organizations"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        connection, _ = silent_server.accept()
        with connection:
            connection.recv(100)
            process.send_signal(number)
            output, error = process.communicate(timeout=20)
    assert (process.returncode, output, error.strip()) == (status, b"", b"")


def test_unexpected_exception_is_one_message_that_names_the_place(
    run_process, monkeypatch, capsys
) -> None:
    from k6frames.cli import main as module  # noqa: PLC0415

    def fail(**_: object) -> None:
        raise KeyError("the \x1b reason")

    monkeypatch.setattr(module.cli.commands["cache"], "callback", fail)
    monkeypatch.setattr("sys.argv", ["k6frames", "cache"])
    monkeypatch.setattr(module, "_prepare_streams", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: This is a bug in k6frames; please report it. KeyError: ")
    assert "main.py)\n" in error
    assert error.count("\n") == 1


# --- the cache ----------------------------------------------------------------------------------


def test_cache_shows_the_address_and_is_cleared(httpserver, run, monkeypatch, tmp_path) -> None:
    httpserver.expect_request("/v3/organizations").respond_with_json(
        {"organizations": [{"id": 5, "name": "Five"}]}
    )
    url = httpserver.url_for("").rstrip("/")
    monkeypatch.setenv("K6FRAMES_API_URL", url)
    monkeypatch.setenv("K6_CLOUD_TOKEN", "abc")
    assert "  nothing is cached\n" in run("cache").stdout
    for options in ([], [], ["--offline"]):
        assert run("organizations", *options).stdout.endswith("5\tFive\t\t\t\n")
    assert len(httpserver.log) == 1
    assert run("organizations", "--refresh").exit_code == 0
    assert len(httpserver.log) == 2
    assert f"\n  {url}: 1 response, " in run("cache").stdout
    assert run("cache", "--clear").stdout.endswith("  1 cache cleared\n")
    assert run("cache").stdout == f"{tmp_path / 'cache'}\n  nothing is cached\n"
    assert k6frames.__version__ in run("--version").stdout
