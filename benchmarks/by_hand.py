"""The same work as one would write it well with the libraries alone, to the same typed frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain

import orjson
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from accounts import Bodies

from k6frames.tables import ORGANIZATION_PROJECTS, PROJECTS

DTYPES = PROJECTS.dtypes
JOINED = ORGANIZATION_PROJECTS.dtypes
_FROM_ARROW = {column.type: DTYPES[column.name] for column in PROJECTS.columns}
_SOURCES = [str(column.source) for column in PROJECTS.columns]
_RENAMED = dict(zip(_SOURCES, DTYPES, strict=True))
_SHARED = ("name", "description", "created", "updated", "is_default")

# --- bodies to a frame --------------------------------------------------------------------------


def arrow(bodies: Bodies) -> pd.DataFrame:
    """Bare Arrow: blocks of 1 MiB or just above the largest body, nothing checked."""
    record = pa.struct([(str(column.source), column.type) for column in PROJECTS.columns])
    answers = pa.json.read_json(
        pa.BufferReader(b"\n".join(bodies.values())),
        pa.json.ReadOptions(block_size=max(1 << 20, max(map(len, bodies.values())) + 1)),
        pa.json.ParseOptions(
            explicit_schema=pa.schema([("projects", pa.list_(record))]),
            unexpected_field_behavior="ignore",
        ),
    )
    table = pa.Table.from_struct_array(pc.list_flatten(answers["projects"]))
    frame: pd.DataFrame = table.rename_columns(list(DTYPES)).to_pandas(types_mapper=_FROM_ARROW.get)
    return frame


def orjson_frame(bodies: Bodies) -> pd.DataFrame:
    """One frame of all records, typed once."""
    lists = (orjson.loads(body)["projects"] for body in bodies.values())
    return _typed(pd.DataFrame(list(chain.from_iterable(lists))))


def normalized(bodies: Bodies) -> pd.DataFrame:
    """One frame for each body, put together, typed once."""
    frames = [pd.json_normalize(json.loads(body), "projects") for body in bodies.values()]
    return _typed(pd.concat(frames, ignore_index=True))


def normalized_each(bodies: Bodies) -> pd.DataFrame:
    """One typed frame for each body, put together."""
    frames = (pd.json_normalize(json.loads(body), "projects") for body in bodies.values())
    return pd.concat([_typed(frame) for frame in frames], ignore_index=True)


def polars_frame(bodies: Bodies) -> pl.DataFrame:
    """Into a polars frame; the dates, of which polars reads one form at a time, made alike."""
    record = {str(c.source): _POLARS.get(c.type, pl.String) for c in PROJECTS.columns}
    schema = {"projects": pl.List(pl.Struct(record))}
    frame = pl.read_ndjson(b"\n".join(bodies.values()), schema=schema)
    dates = pl.col("created", "updated")
    plain = dates.str.replace(" ", "T", literal=True).str.replace(r"(Z|\+00:00)$", "")
    return (
        frame.explode("projects")
        .unnest("projects")
        .rename(_RENAMED)
        .with_columns(
            plain.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", time_zone="UTC")
        )
    )


def from_polars(frame: pl.DataFrame) -> pd.DataFrame:
    """A polars frame as pandas frame, to compare it."""
    schema = pa.schema([(column.name, column.type) for column in PROJECTS.columns])
    result: pd.DataFrame = frame.to_arrow().cast(schema).to_pandas(types_mapper=_FROM_ARROW.get)
    return result


_POLARS = {pa.int64(): pl.Int64, pa.bool_(): pl.Boolean}


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    for name in ("created", "updated"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True)
    return frame.rename(columns=_RENAMED)[list(DTYPES)].astype(DTYPES)


# --- frames to frames ---------------------------------------------------------------------------


def join(organizations: pd.DataFrame, projects: pd.DataFrame) -> pd.DataFrame:
    """A left join, in the order of the joined table's columns."""
    left = organizations.rename(columns={name: f"org_{name}" for name in _SHARED})
    right = projects.rename(columns={name: f"project_{name}" for name in _SHARED})
    left = left[[name for name in left.columns if name in JOINED]]
    return left.merge(right, on="org_id", how="left", validate="one_to_many")[list(JOINED)]


def projects_per_organization(both: pd.DataFrame) -> pd.DataFrame:
    """One groupby with named aggregations."""
    summary = (
        both.groupby("org_id")
        .agg(
            org_name=("org_name", "first"),
            projects=("project_id", "count"),
            first_created=("project_created", "min"),
            last_created=("project_created", "max"),
            last_updated=("project_updated", "max"),
        )
        .reset_index()
    )
    summary.insert(3, "share", (summary["projects"] / summary["projects"].sum()).astype("Float64"))
    summary["projects"] = summary["projects"].astype("Int64")
    return summary.sort_values("projects", ascending=False, kind="stable", ignore_index=True)


def creation_timeline(projects: pd.DataFrame) -> pd.DataFrame:
    """A resample by month."""
    dates = projects["created"].dropna()
    created = pd.Series(1, index=dates).resample("MS").count()
    timeline = created.rename_axis("period").rename("created").reset_index()
    timeline["cumulative"] = timeline["created"].cumsum()
    return timeline.astype({"created": "Int64", "cumulative": "Int64"})


def creation_timeline_by_organization(projects: pd.DataFrame) -> pd.DataFrame:
    """Counts by organization and year, as a grid that holds every year of every organization."""
    years = projects["created"].dt.year
    sizes = projects.groupby(["org_id", years.rename("period")]).size()
    grid = sizes.unstack(fill_value=0)  # noqa: PD010 - there is nothing to aggregate
    grid = grid.reindex(columns=range(int(years.min()), int(years.max()) + 1), fill_value=0)
    created = grid.stack().rename("created").reset_index()  # noqa: PD013 - the index is kept
    created["period"] = pd.to_datetime(created["period"].astype(str), format="%Y", utc=True)
    created["period"] = created["period"].dt.as_unit("us")
    created["cumulative"] = created.groupby("org_id")["created"].cumsum()
    return created.astype({"org_id": "Int64", "created": "Int64", "cumulative": "Int64"})


def idle_projects(both: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """The rows that are old enough, sorted."""
    idle_days = (pd.Timestamp(as_of, tz="UTC") - both["project_updated"]).dt.days
    rows = (idle_days >= 180) & both["project_id"].notna()
    columns = ["org_id", "org_name", "project_id", "project_name"]
    idle = both.loc[rows, [*columns, "project_created", "project_updated"]]
    idle["idle_days"] = idle_days[rows].astype("Int64")
    return idle.sort_values(["project_updated", "project_id"], ignore_index=True)


def shared_names(both: pd.DataFrame) -> pd.DataFrame:
    """One groupby by name."""
    names = both.groupby("project_name").agg(
        organizations=("org_id", "nunique"), projects=("project_id", "count")
    )
    names = names[names["organizations"] > 1].sort_values(
        ["organizations", "projects"], ascending=False, kind="stable"
    )
    return names.reset_index().astype({"organizations": "Int64", "projects": "Int64"})


# --- files --------------------------------------------------------------------------------------


def read_csv(path: str) -> pd.DataFrame:
    """The file with the same dtypes; an empty text and a missing one are the same to pandas.

    Its other engine, pyarrow, cannot read a cell that holds a newline.
    """
    dates = [name for name, dtype in JOINED.items() if isinstance(dtype, pd.DatetimeTZDtype)]
    return pd.read_csv(
        path,
        dtype={name: dtype for name, dtype in JOINED.items() if name not in dates},
        parse_dates=dates,
        date_format="ISO8601",
        keep_default_na=False,
        na_values=[""],
    ).astype(JOINED)


def same(frames: Iterable[pd.DataFrame]) -> None:
    """Refuse to compare ways that do not give the same frame."""
    first, *others = frames
    for other in others:
        pd.testing.assert_frame_equal(first, other)
