"""The report's pages as HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import itables.options
import jinja2
import markupsafe
import numpy as np
import pandas as pd

import k6frames
from k6frames.report.account import Account
from k6frames.report.elements import Section
from k6frames.report.sections import overview
from k6frames.report.words import capitalized, header
from k6frames.tables.schema import Table

MAX_INTEGER = 2**53
"""JavaScript's numbers are exact up to here."""
SCRIPT, STYLE = "datatables.js", "datatables.css"


def index_page(account: Account, sections: list[Section], *, is_single: bool) -> str:
    """Return the page with the overview and all sections.

    Parameters
    ----------
    account : Account
        What is shown.
    sections : list of Section
        The sections, in order.
    is_single : bool
        Whether the page is mailed alone: then it has no links to other files.
    """
    return _render(
        "index.html.j2",
        title=account.name,
        account=account,
        figures=overview(account),
        sections=sections,
        tables=sorted(account.tables),
        is_single=is_single,
        svg=markupsafe.Markup,
        header=header,
    )


def table_page(account: Account, table: Table, frame: pd.DataFrame) -> str:
    """Return the page of one table: all rows, to search and to sort."""
    columns = [
        {"title": header(c.name), "name": c.name, "meaning": c.doc, "dtype": str(c.type)}
        for c in table.columns
        if c.name in frame.columns
    ]
    cells = [_cells(frame[column["name"]]) for column in columns]
    data = {"columns": columns, "rows": list(zip(*cells, strict=True))}
    # Within a script element only "<" could end it.
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _render(
        "table.html.j2",
        title=f"{capitalized(header(table.name))}: {account.name}",
        heading=capitalized(header(table.name)),
        account=account,
        table=table,
        columns=columns,
        row_count=len(frame),
        data=markupsafe.Markup(encoded),  # noqa: S704 - JSON, without "<"
        script=SCRIPT,
        style=STYLE,
    )


def write_datatables(folder: Path) -> None:
    """Write the DataTables library that the pages of tables use.

    A page that is opened as a file may not import a module from another file, so the module is
    imported from a data URL.
    """
    bundle = Path(itables.options.dt_bundle)
    source = json.dumps(bundle.read_text(encoding="utf-8"))
    script = (
        "window.loadDataTables = () => import(URL.createObjectURL(new Blob(["
        f'{source}], {{type: "text/javascript"}})));\n'
    )
    (folder / SCRIPT).write_text(script, encoding="utf-8")
    style = bundle.with_suffix(".css").read_text(encoding="utf-8")
    (folder / STYLE).write_text(style, encoding="utf-8")


def _cells(values: pd.Series[Any]) -> list[Any]:
    """Return values as JSON has them; timestamps are strings that sort as they do."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        has_times = (values.dt.normalize() < values).any()
        cells = values.dt.strftime("%Y-%m-%d %H:%M" if has_times else "%Y-%m-%d")
    elif pd.api.types.is_bool_dtype(values.dtype):
        cells = values.map({True: "yes", False: "no"})
    elif pd.api.types.is_float_dtype(values.dtype):
        cells = values.round(4)
        cells = cells.mask(~np.isfinite(cells))  # JSON has no infinity
    elif pd.api.types.is_integer_dtype(values.dtype):
        is_exact = values.dropna().between(-MAX_INTEGER, MAX_INTEGER).all()
        cells = values if is_exact else values.astype("string")
    else:
        cells = values
    return list(cells.astype(object).where(cells.notna(), None))


def _render(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("k6frames.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(version=k6frames.__version__, **values)
