"""Measure k6frames side by side with what one would write by hand.

python benchmarks/run.py [NAME ...] [--quick]

All of them, at full size, write benchmarks/RESULTS.md; anything less is only printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

NAMES = ("read", "cold", "warm", "tables", "start", "memory")
LIBRARIES = ("k6frames", "pandas", "pyarrow", "numpy", "requests", "requests-cache", "polars")
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure k6frames beside work done by hand.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="small sizes: only to see it work")
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))} among {', '.join(NAMES)}")
    started = time.monotonic()
    parts = []
    for name in args.names or NAMES:
        # Imported here: a child process imports this file again, and needs none of them.
        for section in import_module(name).run(quick=args.quick):
            parts.append(section.markdown())
            print(parts[-1], flush=True)
    taken = time.monotonic() - started
    print(f"{taken:.0f} s")
    if not args.quick and not args.names:
        RESULTS.write_text("\n".join([_head(taken), *parts]), encoding="utf-8")


def _head(taken: float) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"""\
# Benchmarks

Made by `make bench` in {taken / 60:.0f} minutes on {datetime.now(UTC):%Y-%m-%d}: \
{platform.system()}, {os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}, \
{versions}.

The ways of one table ran by turns, and the best round of each counts (of whole processes, the
median): ratios hold on another machine, seconds do not. "k6frames / it" is what k6frames takes in
parts of what that line takes: below 1 k6frames is faster, or smaller.
"""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


if __name__ == "__main__":
    main()
