"""How much memory an account needs, from its answers to its files."""

from __future__ import annotations

import tempfile

from accounts import made
from harness import Line, Section, peak_in_child
from server import serving

import k6frames
from k6frames import export, frames, summaries  # noqa: F401 - the bare imports, all of them

NOTE = """\
Peaks above that of the bare imports ({imports:.0f} MB), of a new process that fetches an account
from a local server, keeps it in the cache, reads and joins it, makes every summary, and writes
CSV and Parquet. They are held against the joined frame's own `memory_usage(deep=True)`; 500
projects an organization."""


def run(*, quick: bool) -> list[Section]:
    """Load, join, summarize and export accounts of growing size."""
    lines, imports = [], 0.0
    for size in (1_000,) if quick else (10_000, 100_000, 1_000_000):
        bodies = made(size // 500, size)
        with serving(bodies, 0) as address, tempfile.TemporaryDirectory() as folder:
            peak, frame, imports = peak_in_child(_work, address, folder)
        # In a small account the fixed cost of threads and buffers is most of it.
        limit = 4 if size >= 1_000_000 else None
        lines += [
            Line(f"{size:,} projects: the whole work", None, peak),
            Line(f"{size:,} projects: the answers", None, sum(map(len, bodies.values()))),
            Line(f"{size:,} projects: the joined frame", None, frame, peak / frame, limit),
        ]
    return [Section("Memory", NOTE.format(imports=imports / 1e6), lines)]


def _work(address: str, folder: str) -> int:
    with k6frames.Client("token", api_url=address, cache=folder) as client:
        both = k6frames.organization_projects_df(client=client)
    k6frames.projects_per_organization(both)
    k6frames.creation_timeline(both)
    k6frames.idle_projects(both)
    k6frames.account_summary(both)
    k6frames.shared_names(both)
    k6frames.to_csv(both, f"{folder}/both.csv")
    k6frames.to_parquet(both, f"{folder}/both.parquet")
    return int(both.memory_usage(deep=True).sum())
