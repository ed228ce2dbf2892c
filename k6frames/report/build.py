"""The report: one fetch of the account, the notebooks run on it, pages, plots and files."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import nbconvert
import nbformat
import pandas as pd
import papermill

from k6frames import export, frames, summaries
from k6frames.client import Client, OnError
from k6frames.errors import K6FramesError
from k6frames.settings import SAMPLE_TODAY, SAMPLE_URL, data_folder
from k6frames.tables import ORGANIZATIONS, ORGANIZATIONS_PUBLIC

_LIST = "/v3/organizations"
_LIST_NAME = ORGANIZATIONS.name

_PAGES = ("projects_per_organization", "creation_timeline", "idle_projects", "data_dictionary")
"""The notebooks that say something about an account."""
_ROWS = 20
"""So many rows of a table stand on the page; the files have all."""


def write_report(
    client: Client, folder: Path, *, on_error: OnError, say: Callable[[str], None]
) -> Path:
    """Fetch the account once and write everything that is known of it into a folder.

    Parameters
    ----------
    client : Client
        Whose account.
    folder : pathlib.Path
        Where to write; files of other names in it stay. The pages take their places together when
        all of them are made, and a report that was there stays whole until then.
    on_error : {"raise", "warn"}
        What to do where an organization cannot be read; with "warn" the page names it.
    say : callable
        Is told each step before it begins.

    Returns
    -------
    pathlib.Path
        The page to open.

    Raises
    ------
    APIError, SchemaError
        If the account cannot be read.
    OSError
        If the folder cannot be written to.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="k6frames-") as private,
        tempfile.TemporaryDirectory(prefix=".k6frames-", dir=folder) as made,
    ):
        say("reading the account")
        account = Path(private, "account")
        fetched, failed = _fetch(client, account, on_error)
        sample = client.api_url == SAMPLE_URL
        as_of = SAMPLE_TODAY if sample else fetched[:10]
        # The sample account never changes, and its notebooks say that it is invented.
        address = SAMPLE_URL if sample else account.as_uri()
        # A folder's name is a path of this machine, which has no place in a page.
        files = client.api_url.startswith("file:")
        whose = "a folder of answers" if files else f"the account behind {client.api_url}"
        read = f"{whose}, read {fetched[:16].replace('T', ' ')}"
        source = f"{'the invented sample account' if sample else read}, as of {as_of}"
        for failure in failed:
            say(f"left out: organization {failure['org_id']}: {failure['reason']}")
        say("writing the tables")
        written = Path(made)
        tables = _tables(account, as_of)
        for name, frame in tables.items():
            export.to_csv(frame, written / f"{name}.csv", escape_formulas=True)
            export.to_parquet(frame, written / f"{name}.parquet")
        plots: dict[str, dict[str, str]] = {}
        for number, name in enumerate(_PAGES, 1):
            say(f"page {number} of {len(_PAGES)}: {name}")
            path = data_folder("notebooks") / f"{name}.ipynb"
            notebook = _execute(path, address, as_of, Path(private))
            page = _render(
                "notebook.html.j2", title=name, source=f"Data: {source}.", body=_body(notebook)
            )
            (written / f"{name}.html").write_text(page, encoding="utf-8")
            for index, plot in enumerate(_plots(notebook), 1):
                picture = name if index == 1 else f"{name}_{index}"
                plots[picture] = plot
                (written / f"{picture}.png").write_bytes(base64.b64decode(plot["data"]))
        say("writing index.html")
        index_page = _index(tables, plots, source=source, failed=failed)
        (written / "index.html").write_text(index_page, encoding="utf-8")
        _move(written, folder)
    return folder / "index.html"


def _fetch(client: Client, account: Path, on_error: OnError) -> tuple[str, list[dict[str, Any]]]:
    """Store the account's answers as files, so that all pages speak of one moment.

    An organization whose projects cannot be read is left out of the stored list too.
    """
    listing = client.fetch([_LIST])
    numbers = ORGANIZATIONS.read(listing.bodies)["org_id"]
    paths = {f"{_LIST}/{number}/projects": int(number) for number in numbers}
    projects = client.fetch(paths, on_error=on_error)
    lost = {paths[path] for path in projects.failures}
    listed = json.loads(listing.bodies[_LIST])
    listed[_LIST_NAME] = [record for record in listed[_LIST_NAME] if record["id"] not in lost]
    for path, body in {**projects.bodies, _LIST: json.dumps(listed).encode()}.items():
        file = Path(f"{account}{path}.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    oldest = min(o for o in (listing.oldest, projects.oldest) if o is not None)
    failed = [
        {"org_id": paths[path], "reason": str(error)} for path, error in projects.failures.items()
    ]
    return oldest.astimezone(UTC).isoformat(), failed


def _tables(account: Path, as_of: str) -> dict[str, pd.DataFrame]:
    """Every table of the report, by the name of its files."""
    with Client(api_url=account.as_uri()) as client:
        organizations = frames.organizations_df(client=client)
        projects = frames.projects_df(client=client)
    both = frames.join_projects(organizations, projects)
    return {
        "organizations": ORGANIZATIONS_PUBLIC.conform(organizations),
        "projects": projects,
        "organization_projects": both,
        "projects_per_organization": summaries.projects_per_organization(both),
        "creation_timeline": summaries.creation_timeline(both),
        "creation_timeline_by_organization": summaries.creation_timeline(both, by="org_id"),
        "idle_projects": summaries.idle_projects(both, as_of=as_of),
        "shared_names": summaries.shared_names(both),
        "account_summary": summaries.account_summary(both, as_of=as_of),
    }


# --- notebooks ----------------------------------------------------------------------------------


def _execute(path: Path, address: str, as_of: str, private: Path) -> nbformat.NotebookNode:
    """Run a notebook on the account, in this Python."""
    with _own_kernel(private) as kernel:
        try:
            executed: nbformat.NotebookNode = papermill.execute_notebook(
                path,
                None,
                parameters={"API_URL": address, "AS_OF": as_of},
                kernel_name=kernel,
                progress_bar=False,
                cwd=private,
            )
        except papermill.PapermillExecutionError as error:
            raise K6FramesError(
                f"The notebook {path.name} failed in cell {error.exec_count}: {error.ename}: "
                f"{error.evalue}"
            ) from None
    return executed


@contextlib.contextmanager
def _own_kernel(private: Path) -> Iterator[str]:
    """A kernel of this interpreter: one named python3 may be another of the user's."""
    spec = {
        "argv": [
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--log-level=50",
        ],
        "display_name": "k6frames",
        "language": "python",
    }
    file = private / "jupyter" / "kernels" / "k6frames" / "kernel.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(spec))
    # Start-up files of the user's IPython have no place in the report either.
    ours = {
        "JUPYTER_PATH": str(private / "jupyter"),
        "IPYTHONDIR": str(private / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        with warnings.catch_warnings():
            # What the notebook tools say to their own developers is not for our users.
            warnings.simplefilter("ignore")
            yield "k6frames"
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _body(notebook: nbformat.NotebookNode) -> str:
    """The notebook as HTML for a reader: no code, no warning, no parameter, no script."""
    shown = copy.deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if "injected-parameters" not in _tags(cell)]
    for cell in shown.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    exporter = nbconvert.HTMLExporter(
        template_name="basic", exclude_input=True, exclude_output_prompt=True
    )
    body: str = exporter.from_notebook_node(shown)[0]
    return body


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    tags: list[str] = cell.metadata.get("tags", [])
    return tags


def _plots(notebook: nbformat.NotebookNode) -> Iterator[dict[str, str]]:
    """The pictures of the cells that are tagged ``plot``."""
    for cell in notebook.cells:
        if "plot" in _tags(cell):
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    data = "".join(output.data["image/png"].split())
                    yield {"data": data, "alt": cell.metadata.get("alt", "a plot")}


# --- pages --------------------------------------------------------------------------------------


def _index(
    tables: dict[str, pd.DataFrame],
    plots: dict[str, dict[str, str]],
    *,
    source: str,
    failed: list[dict[str, Any]],
) -> str:
    glance = tables["account_summary"].iloc[0]
    return _render(
        "index.html.j2",
        title="k6 Cloud projects",
        source=f"Data: {source}.",
        glance=[
            ("organizations", glance["organizations"]),
            ("projects", glance["projects"]),
            ("projects created in 30 days", glance["created_30_days"]),
            ("projects created in 365 days", glance["created_365_days"]),
            ("projects idle for 180 days", glance["idle_180_days"]),
        ],
        plots=plots,
        idle=_grid(
            tables["idle_projects"],
            project_name="project",
            org_name="organization",
            project_updated="last updated",
            idle_days="days",
        ),
        names=_grid(
            tables["shared_names"],
            project_name="name",
            organizations="organizations",
            projects="projects",
        ),
        tables=list(tables),
        failed=failed,
    )


def _grid(frame: pd.DataFrame, **titles: str) -> dict[str, Any]:
    """The first rows of a frame as text, for the template."""
    shown = frame[list(titles)].head(_ROWS)
    return {
        "columns": [
            {"title": title, "number": str(shown[name].dtype) == "Int64"}
            for name, title in titles.items()
        ],
        "rows": [[_text(value) for value in row] for row in shown.itertuples(index=False)],
        "total": len(frame),
        "more": max(len(frame) - _ROWS, 0),
    }


def _text(value: Any) -> str:
    if pd.isna(value):
        return "—"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return f"{value:,}" if pd.api.types.is_integer(value) else str(value)


def _render(template: str, *, body: str = "", **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("k6frames"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(template).render(
        version=version("k6frames"),
        body=markupsafe.Markup(body),  # noqa: S704 - pandas and nbconvert escaped what is in it
        **values,
    )


def _move(made: Path, folder: Path) -> None:
    """Put the finished files in their places, the page that leads to all of them last."""
    for file in sorted(made.iterdir(), key=lambda file: file.name == "index.html"):
        target = folder / file.name
        file.replace(target)
