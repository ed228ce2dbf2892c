"""Write a snapshot: an account as a folder of responses, without private data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.folder import response_file
from k6frames.api.manifest import MANIFEST, read_manifest
from k6frames.api.on_error import OnError, check_on_error
from k6frames.api.stack_arguments import StackArgument
from k6frames.api.stacks import Stack
from k6frames.loaders.attrs import list_failures, warn_about_failures
from k6frames.loaders.snapshot_contents import SnapshotContents
from k6frames.loaders.snapshot_folder import WRITTEN_BY, find_target, write_folder


def snapshot(
    folder: str | os.PathLike[str],
    client: Client | None = None,
    *,
    stack: StackArgument = None,
    on_error: OnError = "raise",
    with_metrics: bool = False,
) -> Path:
    """Write an account to a folder, which ``Client(api_url="file:...")`` reads.

    The folder contains the responses as files, without private fields (billing data, e-mail
    addresses) and without fields that no table declares. If organizations and their projects (v3)
    are not available, it contains only the stacks; if no stack is known, only the organizations.

    Parameters
    ----------
    folder : str or path-like
        The folder: a new one, an empty one, or a snapshot, which is replaced. It is written
        completely or not at all. Only the user can read it.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    on_error : {"raise", "warn"}, default "raise"
        What to do if an organization, a list or a metric cannot be read. With "warn", it is left
        out, a warning names it, and ``account.json`` lists it. A malformed response is always an
        error.
    with_metrics : bool, default False
        Whether to include the 95th percentile of the response time of load tests with at least ten
        runs in the last 90 days, if the API still has it.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ConfigError
        If the folder is neither empty nor a snapshot, if no token is found, or if organizations
        are not available and no stack is found.
    APIError
        If the API gives no usable response.
    SchemaError
        If a response does not match its table.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> import k6frames
    >>> folder = k6frames.snapshot("june", k6frames.Client.sample())
    >>> account = k6frames.Client(api_url=folder.as_uri())
    >>> len(k6frames.test_runs_df(client=account)), account.as_of.date().isoformat()
    (3074, '2026-06-29')
    """
    client = client_or_default(client)
    check_on_error(on_error)
    target = find_target(folder)
    account = SnapshotContents(client, on_error)
    account.read_organizations()
    stacks = account.find_stacks(stack)
    account.read_stacks(stacks)
    if not account.bodies:
        # Nothing could be read, so there is at least one failure.
        raise next(iter(account.failures.values()))
    if with_metrics:
        account.read_metrics()
    fetched = account.oldest or datetime.now(UTC)
    failures = list_failures(account.failures, account.subjects)
    # With "raise", the only possible failure is that v3 is not available, which needs no warning.
    if failures and on_error == "warn":
        warn_about_failures(account.failures, len(account.subjects))
    files: dict[PurePath, bytes] = {
        response_file(request.path, request.stack): body for request, body in account.bodies.items()
    }
    files[PurePath(MANIFEST)] = _manifest(client, stacks, fetched, failures)
    write_folder(target, files, fetched)
    return target


def read_failures(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return what could not be read when a snapshot was made, as ``attrs["failed"]`` lists it.

    The list is empty for a folder of responses that is not a snapshot.
    """
    file = Path(folder, MANIFEST)
    failed = json.loads(file.read_bytes()).get("failed") if file.exists() else None
    return [e for e in failed or [] if isinstance(e, dict) and {"path", "reason"} <= e.keys()]


def _manifest(
    client: Client, stacks: Iterable[Stack], fetched: datetime, failures: list[dict[str, Any]]
) -> bytes:
    as_of, api_url = fetched, client.api_url
    if client.folder:
        # The snapshot of a snapshot describes the original account.
        original = read_manifest(client.folder)
        as_of, api_url = original.as_of or as_of, original.api_url or api_url
        by_path = {entry["path"]: entry for entry in [*read_failures(client.folder), *failures]}
        failures = list(by_path.values())
    manifest: dict[str, Any] = {
        "as_of": as_of.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "api_url": api_url,
        "stacks": [{"id": stack.id, "url": stack.url} for stack in stacks],
        WRITTEN_BY: f"k6frames {version('k6frames')}",
    }
    if failures:
        manifest["failed"] = failures
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode()
