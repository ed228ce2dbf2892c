"""`Client`: send requests, and return the bodies of the responses, from the cache if possible."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from k6frames.api.address import SAMPLE_URL
from k6frames.api.client_repr import client_html, client_repr
from k6frames.api.endpoints import Request, needs_stack
from k6frames.api.fetching import Fetcher, Responses
from k6frames.api.manifest import read_manifest
from k6frames.api.on_error import OnError, check_on_error
from k6frames.api.progress import ProgressBar
from k6frames.api.session import Response
from k6frames.api.settings import resolve_settings
from k6frames.api.stack_arguments import StackArgument
from k6frames.api.stacks import ResolvedStacks, Stack, StackResolver
from k6frames.api.token import Token
from k6frames.errors import ConfigError
from k6frames.warn import warn_user

EXPIRE_AFTER_SECONDS = 3600.0
"""How old a cached response may be by default."""


class Client:
    """A client of the k6 Cloud API for one account, with a cache.

    Version 3 of the API has organizations and their projects. Version 6 has what belongs to a
    Grafana stack, except for the metrics of test runs, which version 5 has.

    Parameters
    ----------
    token : str, optional
        The API token; by default ``K6_CLOUD_TOKEN``, else the one that ``k6 cloud login`` stored.
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default ``K6_CLOUD_STACK_ID``, else
        ``K6_CLOUD_STACK_URL``, else the one that ``k6 cloud login`` stored.
    api_url : str, optional
        The API's address; by default ``K6FRAMES_API_URL``, else ``https://api.k6.io``. ``sample:``
        is the sample account, and ``file:/a/folder`` is a folder of responses; neither needs a
        token, and neither is cached.
    cache : bool or path-like, default True
        Where responses are cached. True is ``K6FRAMES_CACHE_DIR``, else the platform's cache
        folder; a path is that folder; False turns the cache off. Each address and token has its own
        folder inside.
    expire_after : float, default 3600
        How old a cached response may be, in seconds; ``math.inf`` for any age.
    refresh : bool, default False
        Fetch each response again when this client first needs it, even if it is cached.
    offline : bool, default False
        Send no requests: use cached responses only, however old they are.
    timeout : tuple of float, default (5, 30)
        Seconds to wait for a connection, and then each time for more data from the server.
    budget : float, default 60
        Seconds for one request, including all attempts and waits.
    max_workers : int, default 8
        How many requests are sent concurrently.
    progress : bool, optional
        Whether to show a progress bar; by default in a terminal and in a notebook.

    Raises
    ------
    ConfigError
        If no token is found, or an argument is invalid.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client(api_url="sample:")
    >>> client
    <k6frames.Client sample: (the sample account)>
    >>> client.get("/v3/organizations").split()[:2]
    [b'{', b'"organizations":']
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        stack: StackArgument = None,
        api_url: str | None = None,
        cache: bool | str | os.PathLike[str] = True,
        expire_after: float = EXPIRE_AFTER_SECONDS,
        refresh: bool = False,
        offline: bool = False,
        timeout: tuple[float, float] = (5, 30),
        budget: float = 60,
        max_workers: int = 8,
        progress: bool | None = None,
    ) -> None:
        if offline and (refresh or cache is False):
            raise ConfigError("offline=True needs the cache, and cannot be used with refresh=True.")
        self._settings = resolve_settings(
            None if token is None else Token(token), api_url, stack, cache=cache
        )
        for warning in self._settings.warnings:
            warn_user(warning)
        self._progress = progress
        self._stack_resolver = StackResolver(self._settings)
        self._fetcher = Fetcher(
            self._settings,
            expire_after=expire_after,
            refresh=refresh,
            offline=offline,
            timeout=timeout,
            budget=budget,
            max_workers=max_workers,
        )

    @classmethod
    def sample(cls) -> Client:
        """Return a client of the sample account: ``Client(api_url="sample:")``.

        Examples
        --------
        >>> import k6frames
        >>> len(k6frames.organizations_df(client=k6frames.Client.sample()))
        12
        """
        return cls(api_url=SAMPLE_URL)

    @property
    def api_url(self) -> str:
        """The API's address."""
        return self._settings.api_url

    @property
    def folder(self) -> Path | None:
        """The folder that responses are read from; None for a server."""
        return self._settings.folder

    @property
    def as_of(self) -> datetime:
        """The time that counts as "now": the time of the sample or snapshot, else the current time.

        Examples
        --------
        >>> import k6frames
        >>> k6frames.Client.sample().as_of.year
        2026
        """
        as_of = read_manifest(self.folder).as_of if self.folder else None
        return as_of or datetime.now(UTC)

    def get(self, path: str, *, stack: int | str | None = None) -> bytes:
        """Return the raw response for one path, including fields that no table has.

        Parameters
        ----------
        path : str
            A path in the API, such as ``/v3/organizations``.
        stack : int or str, optional
            The stack, if the path needs one; by default the client's.

        Returns
        -------
        bytes
            The body, from the cache if it is recent enough.

        Raises
        ------
        ConfigError
            If the path is malformed, or if it needs a stack and none or several are found.
        APIError
            If the API gives no usable response; the message says what to do.
        SchemaError
            If the API does not return the ID of a stack that was given as a slug or URL.

        Examples
        --------
        >>> import json, k6frames
        >>> body = k6frames.Client.sample().get("/v3/organizations")
        >>> sorted(json.loads(body))
        ['organizations']
        """
        request = Request(path)
        if stack is not None or needs_stack(path):
            request = Request(path, self.one_stack(stack).id)
        return self.fetch([request]).bodies[request]

    def fetch(self, requests: Iterable[Request | str], *, on_error: OnError = "raise") -> Responses:
        """Return the responses to requests, from the cache or sent concurrently.

        Parameters
        ----------
        requests : iterable of Request or str
            Requests, or paths that need no stack. Duplicates are sent only once.
        on_error : {"raise", "warn"}, default "raise"
            Raise the first failure, or return all failures. This method does not warn; loaders do.

        Returns
        -------
        Responses
            ``bodies`` in the order of the requests, ``failures``, and ``oldest``: when the oldest
            response was fetched.

        Raises
        ------
        ConfigError
            If a path is malformed, or `requests` is a string.
        APIError
            With ``on_error="raise"``, if a request has no usable response.

        Examples
        --------
        >>> import k6frames
        >>> responses = k6frames.Client.sample().fetch(
        ...     ["/v3/organizations", "/v3/organizations/1"], on_error="warn"
        ... )
        >>> [str(request) for request in responses.failures]
        ['/v3/organizations/1']
        """
        check_on_error(on_error)
        if isinstance(requests, str):
            raise ConfigError(
                "requests must be an iterable of paths. For one path, use Client.get."
            )
        unique = dict.fromkeys(r if isinstance(r, Request) else Request(r) for r in requests)
        with self.progress_bar(unit=" responses", total=len(unique)) as bar:
            return self._fetcher.fetch(list(unique), on_error=on_error, bar=bar)

    def stream(
        self, queue: deque[Request]
    ) -> Generator[tuple[Request, Future[Response]], None, None]:
        """Yield each request of a queue with its outcome; see `Fetcher.stream`."""
        return self._fetcher.stream(queue)

    def forget(self, requests: Iterable[Request]) -> None:
        """Remove responses from the cache, so that they are fetched again; offline, do nothing."""
        self._fetcher.forget(requests)

    def stacks(self, stack: StackArgument = None) -> tuple[Stack, ...]:
        """Return the stacks of the argument, else of the client.

        Parameters
        ----------
        stack : int, str or iterable of these, optional
            IDs, slugs or URLs.

        Returns
        -------
        tuple of Stack
            Each stack once, with ``id`` and ``url``; ``url`` may be None if only the ID was given.

        Raises
        ------
        ConfigError
            If no stack is found.
        APIError
            If the API does not know a slug or URL, or the token has no access to it.
        SchemaError
            If the API's response has no stack ID.

        Examples
        --------
        >>> import k6frames
        >>> len(k6frames.Client.sample().stacks())
        1
        """
        # With on_error="raise", the message would suggest on_error="warn", which is not an argument
        # of this method.
        resolved = self.resolve_stacks(stack, on_error="warn")
        if resolved.failures:
            raise next(iter(resolved.failures.values()))
        return resolved.found

    def resolve_stacks(
        self, stack: StackArgument = None, *, on_error: OnError = "raise"
    ) -> ResolvedStacks:
        """Return the stacks and, with ``on_error="warn"``, the failed requests for stack IDs."""
        return self._stack_resolver.resolve(stack, self.fetch, on_error=on_error)

    def one_stack(self, stack: StackArgument = None) -> Stack:
        """Return the stack for a request that takes only one."""
        stacks = self.stacks(stack)
        if len(stacks) > 1:
            ids = ", ".join(str(each.id) for each in stacks)
            raise ConfigError(f"Only one stack can be read: pass stack= as one of {ids}.")
        return stacks[0]

    def snapshot(
        self,
        folder: str | os.PathLike[str],
        *,
        stack: StackArgument = None,
        on_error: OnError = "raise",
        with_metrics: bool = False,
    ) -> Path:
        """Write the account to a folder of responses.

        Parameters
        ----------
        folder, stack, on_error, with_metrics
            As in `k6frames.snapshot`; its documentation also has the exceptions.

        Returns
        -------
        pathlib.Path
            The folder.

        Examples
        --------
        >>> import k6frames
        >>> k6frames.Client.sample().snapshot("june").name
        'june'
        """
        # Not at the top of the module, because the loaders import this module.
        from k6frames.loaders.snapshot import snapshot  # noqa: PLC0415

        return snapshot(folder, self, stack=stack, on_error=on_error, with_metrics=with_metrics)

    def progress_bar(self, *, unit: str, total: int = 0) -> ProgressBar:
        """Return a progress bar that appears when the work takes longer than a second."""
        return ProgressBar(unit=unit, total=total, shown=self._progress)

    def close(self) -> None:
        """Close connections and the cache. The next request opens them again."""
        self._fetcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return client_repr(self._settings, self._fetcher)

    def _repr_html_(self) -> str:
        return client_html(self._settings, self._fetcher)
