"""Make the invented account in ``data/samples``, and invented accounts of any size.

All organizations, addresses, VAT numbers, projects, load tests and test runs are made up. In the
root of the repository::

    python data/make_samples.py                                   # rewrites data/samples
    python data/make_samples.py FOLDER --organizations 500 --projects 20000 --seed 6
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from urllib.parse import quote

from sample_account import load_tests
from sample_account.metrics import metric_responses
from sample_account.organizations import (
    random_organizations,
    response_bodies,
    sample_organizations,
)
from sample_account.response_formats import AS_OF, Record, list_response
from sample_account.test_run_records import test_run_record
from sample_account.test_runs import sample_runs


def sample() -> dict[str, bytes]:
    """Make the account that is committed in ``data/samples``.

    Returns
    -------
    dict of str to bytes
        The contents of files by their paths in the folder, such as ``"v3/organizations.json"``.
    """
    organizations = sample_organizations()
    files = v3_files(response_bodies(organizations))
    all_projects = [project for _, projects in organizations for project in projects]
    stack = f"stacks/{load_tests.STACK_ID}/cloud"
    lists = {
        "projects": load_tests.projects(all_projects),
        "labels": load_tests.labels(),
        "load_tests": load_tests.load_tests(),
        "test_runs": [test_run_record(run) for run in sample_runs()],
        "schedules": load_tests.schedules(),
        "project-limits": load_tests.project_limits(),
        "load_zones": load_tests.load_zones(),
    }
    for name, records in lists.items():
        files[f"{stack}/v6/{name}.json"] = list_response(records)
    files[f"{stack}/v6/auth.json"] = _indented_json(
        {
            "stack_id": load_tests.STACK_ID,
            "default_project_id": load_tests.DEFAULT_PROJECT_ID,
        }
    )
    for path, body in metric_responses().items():
        # These are the file names that k6frames/api/folder.py looks for.
        name = "/".join(quote(part, safe="()=,'.[]_- ") for part in path.split("/"))
        files[f"{stack}/v5/{name}.json"] = body
    files["account.json"] = _indented_json(
        {
            "as_of": AS_OF.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "api_url": "https://api.k6.io",
            "stacks": [{"id": load_tests.STACK_ID, "url": load_tests.STACK_URL}],
        }
    )
    return files


def account(organizations: int, projects: int, *, seed: int = 6) -> dict[str, bytes]:
    """Make a v3 account of any size: a few organizations have many projects, most have few.

    Parameters
    ----------
    organizations, projects : int
        The total number of each.
    seed : int, default 6
        The same seed makes the same account.

    Returns
    -------
    dict of str to bytes
        The response bodies by URL path, such as ``"/v3/organizations"``.
    """
    return response_bodies(random_organizations(organizations, projects, seed=seed))


def v3_files(bodies: dict[str, bytes]) -> dict[str, bytes]:
    """Return the indented response bodies by file name."""
    return {
        f"{path.removeprefix('/')}.json": _indented_json(json.loads(body))
        for path, body in bodies.items()
    }


def _indented_json(value: Record) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode()


def write(files: dict[str, bytes], folder: Path) -> None:
    """Write files to a folder, which is created if it does not exist; other files are kept."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make invented accounts of the k6 Cloud API.")
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--organizations", type=int, metavar="N")
    parser.add_argument("--projects", type=int, metavar="M")
    parser.add_argument("--seed", type=int, metavar="S", default=6)
    args = parser.parse_args()
    sizes = args.organizations, args.projects
    if args.folder and None not in sizes:
        write(v3_files(account(*sizes, seed=args.seed)), args.folder)
    elif args.folder is None and sizes == (None, None):
        write(sample(), Path(__file__).parent / "samples")
    else:
        parser.error("FOLDER, --organizations and --projects go together")


if __name__ == "__main__":
    main()
