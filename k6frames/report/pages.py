"""Render the pages of the report as HTML."""

from __future__ import annotations

import json
import re
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
from k6frames.tables.schema import Column, Table
from k6frames.tables.shared_columns import PERCENTAGES

MAX_EXACT_INTEGER = 2**53
"""JavaScript rounds larger integers, so a column that has one is written as strings."""
DAY_FORMAT, MINUTE_FORMAT = "%Y-%m-%d", "%Y-%m-%d %H:%M"
PAGE_LENGTHS = [25, 100, 1000]
"""How many rows of a table are on one screen: the first by default, the others to choose from."""
SCRIPT, STYLE = "datatables.js", "datatables.css"


def index_page(account: Account, sections: list[Section], *, single_file: bool) -> str:
    """Render the page with the overview and all sections.

    Parameters
    ----------
    account : Account
        The account.
    sections : list of Section
        The sections, in order.
    single_file : bool
        Whether the page must not link to other files.
    """
    return _render(
        "index.html.j2",
        account,
        title=account.name,
        numbers=overview(account),
        sections=sections,
        tables=sorted(account.tables),
        single_file=single_file,
        unescaped=markupsafe.Markup,
        table_title=_table_title,
        unbroken_dates=_unbroken_dates,
    )


def table_page(account: Account, table: Table, frame: pd.DataFrame) -> str:
    """Render the page of one table, with all rows, which can be searched and sorted."""
    columns = [_column(column) for column in table.columns if column.name in frame.columns]
    cells = [_cells(frame[column["name"]]) for column in columns]
    data = {"columns": columns, "rows": list(zip(*cells, strict=True))}
    # "</script>" in a name would end the script element.
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _render(
        "table.html.j2",
        account,
        title=f"{_table_title(table.name)}: {account.name}",
        heading=_table_title(table.name),
        table=table,
        columns=columns,
        row_count=len(frame),
        page_lengths=PAGE_LENGTHS,
        data=markupsafe.Markup(encoded),  # noqa: S704 - JSON, without "<"
        script=SCRIPT,
        style=STYLE,
    )


def write_datatables(folder: Path) -> None:
    """Write the DataTables library that the pages of tables use.

    Browsers do not let a page on disk import a module from another file, so the script creates a
    blob URL to import it from.
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


def _table_title(name: str) -> str:
    """Return the name of a table in words."""
    return capitalized(header(name))


def _column(column: Column) -> dict[str, str]:
    """Return the name, meaning and type of a column for the page of its table."""
    # "change" is a share in the table of metric changes, and a string in the table of changes.
    is_percentage = column.name in PERCENTAGES and str(column.type) == "double"
    return {
        "title": capitalized(header(column.name)),
        "name": column.name,
        "meaning": column.doc,
        "type": "percentage" if is_percentage else str(column.type),
    }


def _unbroken_dates(text: str) -> markupsafe.Markup:
    """Return text as HTML, without line breaks at the hyphens of dates."""
    escaped = str(markupsafe.escape(text))
    marked = re.sub(r"\d{4}-\d\d(-\d\d)?", r'<span class="date">\g<0></span>', escaped)
    return markupsafe.Markup(marked)  # noqa: S704 - escaped above


def _cells(values: pd.Series[Any]) -> list[Any]:
    """Return values for JSON; timestamps become strings that sort chronologically."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        has_times = (values.dt.normalize() < values).any()  # is any of them not at midnight?
        cells = values.dt.strftime(MINUTE_FORMAT if has_times else DAY_FORMAT)
    elif pd.api.types.is_bool_dtype(values.dtype):
        cells = values.map({True: "yes", False: "no"})
    elif pd.api.types.is_float_dtype(values.dtype):
        cells = values.round(6)
        cells = cells.mask(~np.isfinite(cells))  # JSON has no infinity
    elif pd.api.types.is_integer_dtype(values.dtype):
        is_exact = values.dropna().between(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER).all()
        cells = values if is_exact else values.astype("string")
    else:
        cells = values
    return list(cells.astype(object).where(cells.notna(), None))


def _render(template: str, account: Account, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("k6frames.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        account=account,
        as_of=account.as_of.strftime(MINUTE_FORMAT),
        version=k6frames.__version__,
        **values,
    )
