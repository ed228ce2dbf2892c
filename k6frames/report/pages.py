"""The report's pages as HTML."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import itables.options
import jinja2
import markupsafe
import pandas as pd

import k6frames
from k6frames.report.account import Account
from k6frames.report.elements import Section
from k6frames.report.sections import overview
from k6frames.report.words import header
from k6frames.tables.schema import Table

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
    data = {
        "columns": columns,
        "rows": [[_cell(value) for value in row] for row in frame.itertuples(index=False)],
    }
    # Within a script element only "<" could end it.
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _render(
        "table.html.j2",
        title=f"{header(table.name)}: {account.name}",
        heading=header(table.name),
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


def _cell(value: Any) -> Any:
    """Return a value as JSON has it; dates are text that sorts as they do."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    # JavaScript's numbers are exact up to 2**53.
    if pd.api.types.is_integer(value):
        number = int(value)
        return number if abs(number) <= 2**53 else str(number)
    return str(value)


def _render(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("k6frames.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(version=k6frames.__version__, **values)
