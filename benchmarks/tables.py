"""Frames to frames and to files: join, summaries, CSV and Parquet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import by_hand
import pandas as pd
from accounts import listing, lists_of_projects, made
from harness import Line, Section, Timed, side_by_side

import k6frames
from k6frames.tables import ORGANIZATIONS, PROJECTS

AS_OF = "2026-07-01"
JOIN_NOTE = """\
Each line is plain pandas, written well for these typed frames, and gives the same frame
(asserted). k6frames checks that every input and every result fits its table, keys included."""
LINEAR_NOTE = """\
Seconds for each million projects at growing sizes (20 projects an organization); the ratio is
that of the largest size beside it. Above 1 a row costs more in a larger account: the memory
caches no longer hold the hash tables. Plain pandas grows as much: the line in brackets is its own
ratio."""
FILES_NOTE = """\
The joined frame, written and read. k6frames writes a new file, syncs it to the disk and puts it
in the old one's place, checks the frame, and gives back the same frame with an empty text apart
from a missing one. pandas reads CSV with the same dtypes, and writes Parquet as it does by itself
(snappy), and with zstd, as k6frames does."""

Way = Callable[[], pd.DataFrame]


class Account(NamedTuple):
    """The frames that everything here begins with."""

    organizations: pd.DataFrame
    projects: pd.DataFrame
    both: pd.DataFrame


def run(*, quick: bool) -> list[Section]:
    """Join, summarize and export a large account, and look how the cost grows."""
    sizes = (1_000, 10_000) if quick else (10_000, 100_000, 1_000_000)
    accounts = {size: _account(size) for size in sizes}
    growth: dict[str, list[tuple[int, Timed, Timed]]] = {}
    for size, account in accounts.items():
        for name, ours, theirs in _pairs(account):
            timed = side_by_side({"k6frames": ours, "by hand": theirs}, 3 if quick else 5)
            by_hand.same(one.result for one in timed.values())
            growth.setdefault(name, []).append((size, timed["k6frames"], timed["by hand"]))
    return [_beside(growth), _linear(growth), _files(accounts[sizes[-1]].both, quick=quick)]


def _account(projects: int) -> Account:
    bodies = made(projects // 20, projects)
    organizations = ORGANIZATIONS.read(listing(bodies))
    frame = PROJECTS.read(lists_of_projects(bodies))
    return Account(organizations, frame, by_hand.join(organizations, frame))


def _pairs(account: Account) -> list[tuple[str, Way, Way]]:
    """What k6frames does, and the same by hand."""
    organizations, projects, both = account
    hand = by_hand
    return [
        (
            "join_projects",
            lambda: k6frames.join_projects(organizations, projects),
            lambda: hand.join(organizations, projects),
        ),
        (
            "projects_per_organization",
            lambda: k6frames.projects_per_organization(both),
            lambda: hand.projects_per_organization(both),
        ),
        (
            "creation_timeline, months",
            lambda: k6frames.creation_timeline(projects),
            lambda: hand.creation_timeline(projects),
        ),
        (
            "creation_timeline, years, by organization",
            lambda: k6frames.creation_timeline(projects, freq="YS", by="org_id"),
            lambda: hand.creation_timeline_by_organization(projects),
        ),
        (
            "idle_projects",
            lambda: k6frames.idle_projects(both, as_of=AS_OF),
            lambda: hand.idle_projects(both, AS_OF),
        ),
        (
            "shared_names",
            lambda: k6frames.shared_names(both),
            lambda: hand.shared_names(both),
        ),
    ]


def _beside(growth: dict[str, list[tuple[int, Timed, Timed]]]) -> Section:
    lines, size = [], 0
    for name, points in growth.items():
        size, ours, theirs = points[-1]
        lines.append(Line(f"k6frames, {name}", ours.best))
        lines.append(Line(f"pandas, {name}", theirs.best, None, ours.best / theirs.best, 1.1))
    title = f"Join and summarize: {size:,} projects of {size // 20:,} organizations"
    return Section(title, JOIN_NOTE, lines)


def _linear(growth: dict[str, list[tuple[int, Timed, Timed]]]) -> Section:
    lines = []
    for name, points in growth.items():
        mine = {size: ours.best / size * 1e6 for size, ours, _ in points}
        other = {size: theirs.best / size * 1e6 for size, _, theirs in points}
        *smaller, largest = mine
        for size in smaller:
            lines.append(
                Line(f"{name}: {size:,}", mine[size], None, mine[largest] / mine[size], 1.5)
            )
            pandas = f"(pandas, {name}: {size:,})"
            lines.append(Line(pandas, other[size], None, other[largest] / other[size]))
        lines.append(Line(f"{name}: {largest:,}", mine[largest]))
    return Section("Join and summarize: the cost of a row as the account grows", LINEAR_NOTE, lines)


def _files(both: pd.DataFrame, *, quick: bool) -> Section:
    rounds = 2 if quick else 3
    with tempfile.TemporaryDirectory() as name:
        csv, parquet = f"{name}/ours.csv", f"{name}/ours.parquet"
        their_csv, snappy, zstd = (f"{name}/{x}" for x in ("t.csv", "snappy.parquet", "t.parquet"))
        writes = side_by_side(
            {
                "to_csv": partial(k6frames.to_csv, both, csv),
                "DataFrame.to_csv": partial(both.to_csv, their_csv, index=False),
                "to_parquet": partial(k6frames.to_parquet, both, parquet),
                "DataFrame.to_parquet": partial(both.to_parquet, snappy),
                "DataFrame.to_parquet, zstd": partial(both.to_parquet, zstd, compression="zstd"),
            },
            rounds,
            once=["DataFrame.to_csv"],
        )
        reads = side_by_side(
            {
                "read_csv": partial(k6frames.read_csv, csv),
                "pandas.read_csv": partial(by_hand.read_csv, csv),
                "read_parquet": partial(k6frames.read_parquet, parquet),
                "pandas.read_parquet": partial(pd.read_parquet, snappy),
                "pandas.read_parquet, zstd": partial(pd.read_parquet, zstd),
            },
            rounds,
        )
        size = {file: Path(file).stat().st_size for file in (csv, their_csv, parquet, snappy, zstd)}
    by_hand.same(
        [both, *(reads[way].result for way in ("read_csv", "read_parquet", "pandas.read_parquet"))]
    )
    # Empty texts are missing in what pandas reads of a CSV file.
    texts = both.select_dtypes("string").columns
    empty = both.assign(**{name: both[name].where(both[name] != "") for name in texts})
    by_hand.same([empty, reads["pandas.read_csv"].result])
    best = {way: one.best for way, one in (writes | reads).items()}

    def line(way: str, beside: str, limit: float | None, file: str = "") -> Line:
        return Line(way, best[way], size.get(file), best[beside] / best[way], limit)

    lines = [
        Line("k6frames, to_csv", best["to_csv"], size[csv]),
        line("DataFrame.to_csv", "to_csv", 1 / 3, their_csv),
        Line("k6frames, read_csv", best["read_csv"]),
        line("pandas.read_csv", "read_csv", 1 / 3),
        Line("k6frames, to_parquet", best["to_parquet"], size[parquet]),
        line("DataFrame.to_parquet", "to_parquet", 1, snappy),
        line("DataFrame.to_parquet, zstd", "to_parquet", 1, zstd),
        Line("k6frames, read_parquet", best["read_parquet"]),
        line("pandas.read_parquet", "read_parquet", 1),
        line("pandas.read_parquet, zstd", "read_parquet", 1),
    ]
    return Section(
        f"Files: {len(both):,} rows (the column memory is the file's size)", FILES_NOTE, lines
    )
