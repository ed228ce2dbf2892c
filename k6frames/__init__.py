"""k6 Cloud organizations and projects as typed pandas DataFrames.

>>> import k6frames
>>> client = k6frames.Client.sample()
>>> both = k6frames.organization_projects_df(client=client)
>>> int(k6frames.projects_per_organization(both)["projects"].sum())
300
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k6frames import plots as plots
    from k6frames import tables as tables
    from k6frames.client import Client as Client
    from k6frames.errors import APIError as APIError
    from k6frames.errors import ConfigError as ConfigError
    from k6frames.errors import K6FramesError as K6FramesError
    from k6frames.errors import SchemaError as SchemaError
    from k6frames.export import read_csv as read_csv
    from k6frames.export import read_parquet as read_parquet
    from k6frames.export import to_csv as to_csv
    from k6frames.export import to_parquet as to_parquet
    from k6frames.frames import join_projects as join_projects
    from k6frames.frames import organization_df as organization_df
    from k6frames.frames import organization_projects_df as organization_projects_df
    from k6frames.frames import organizations_df as organizations_df
    from k6frames.frames import projects_df as projects_df
    from k6frames.summaries import account_summary as account_summary
    from k6frames.summaries import creation_timeline as creation_timeline
    from k6frames.summaries import idle_projects as idle_projects
    from k6frames.summaries import projects_per_organization as projects_per_organization
    from k6frames.summaries import shared_names as shared_names

# Each public name and the module that it is read from on first use; "" is a module itself.
_PUBLIC = {
    "APIError": "errors",
    "Client": "client",
    "ConfigError": "errors",
    "K6FramesError": "errors",
    "SchemaError": "errors",
    "account_summary": "summaries",
    "creation_timeline": "summaries",
    "idle_projects": "summaries",
    "join_projects": "frames",
    "organization_df": "frames",
    "organization_projects_df": "frames",
    "organizations_df": "frames",
    "plots": "",
    "projects_df": "frames",
    "projects_per_organization": "summaries",
    "read_csv": "export",
    "read_parquet": "export",
    "shared_names": "summaries",
    "tables": "",
    "to_csv": "export",
    "to_parquet": "export",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - rarely asked for, never cheap

        return version("k6frames")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'k6frames' has no attribute {name!r}")
    module = _PUBLIC[name]
    value = (
        getattr(import_module(f"k6frames.{module}"), name)
        if module
        else import_module(f"k6frames.{name}")
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*_PUBLIC, "__version__"]
