"""`Client`: from paths of the API to the bodies that answer them."""

from __future__ import annotations

import contextlib
import html
import os
import re
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Literal, NamedTuple, Self

from requests_cache import CachedSession
from tqdm import tqdm

from k6frames import cache as caching
from k6frames import settings
from k6frames.errors import APIError, ConfigError
from k6frames.secret import Token
from k6frames.transport import NOT_KEPT, Folder, Wire, at_once, environment, normal

OnError = Literal["raise", "warn"]


class Fetched(NamedTuple):
    """What came of asking for many paths.

    `oldest` is when the oldest of these answers was fetched; None if there is no answer.
    """

    bodies: dict[str, bytes]
    failures: dict[str, APIError]
    oldest: datetime | None


@dataclass(frozen=True)
class _Answer:
    # Not shown: a traceback with locals is no place for a body.
    body: bytes = field(repr=False)
    fetched: datetime


# A path of these characters alone is sent as it is.
_PLAIN = re.compile(r"[A-Za-z0-9/_-]*")

# Sessions of a parent process. Even closing them here would touch the parent's cache file.
_left_alone: list[CachedSession] = []


class Client:
    """The way to one account of the k6 Cloud API, with its answers kept for a while.

    Parameters
    ----------
    token : str, optional
        The API token. Else ``K6_CLOUD_TOKEN``, else what ``k6 cloud login`` stored.
    api_url : str, optional
        The API's address. Else ``K6FRAMES_API_URL``, else ``https://api.k6.io``. ``sample:`` is the
        invented sample account, ``file:/a/folder`` a folder of answers; both need no token and are
        read anew each time.
    cache : bool or path, default True
        Where answers are kept: True for ``K6FRAMES_CACHE_DIR`` or the platform's cache folder, or a
        folder. False keeps nothing. Each token has a folder of its own below it.
    expire_after : float, default 3600
        How old a kept answer may be, in seconds.
    refresh : bool, default False
        Fetch every path anew, once, however young the kept answer is.
    offline : bool, default False
        Send nothing: answer from what is kept, however old it is.
    timeout : tuple of float, default (5, 30)
        Seconds to wait for a connection, and for the server to say something.
    budget : float, default 60
        Seconds for one path, with all its attempts and waits.
    max_workers : int, default 8
        How many requests may be under way at once.
    progress : bool, optional
        Whether to show a progress bar on long work. By default where somebody is looking: on a
        terminal and in a notebook.

    Raises
    ------
    ConfigError
        If no token is found, or an argument cannot be used.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client(api_url="sample:")
    >>> client
    <k6frames.Client sample: (the invented sample account)>
    >>> client.get("/v3/organizations").split()[:2]
    [b'{', b'"organizations":']
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        api_url: str | None = None,
        cache: bool | str | os.PathLike[str] = True,
        expire_after: float = 3600,
        refresh: bool = False,
        offline: bool = False,
        timeout: tuple[float, float] = (5, 30),
        budget: float = 60,
        max_workers: int = 8,
        progress: bool | None = None,
    ) -> None:
        secret = None if token is None else Token(token)
        address, problem = settings.checked_address(api_url)
        # From here on no frame of ours holds a secret: a traceback with locals would show it.
        del token, api_url
        if problem:
            raise ConfigError(problem)
        if offline and (refresh or cache is False):
            raise ConfigError("offline=True needs the cache, and refresh=True fetches: choose one.")
        self._settings = settings.resolve(secret, address, cache=cache)
        self._base = normal(self._settings.api_url)
        self._expire_after = timedelta(
            seconds=settings.number("expire_after", expire_after, least=0)
        )
        self._refresh = refresh
        # Files are read anew each time, and nothing is sent.
        self._offline = offline and self._settings.folder is None
        if not isinstance(timeout, tuple) or len(timeout) != 2:
            raise ConfigError(f"timeout is two numbers of seconds, such as (5, 30), not {timeout}.")
        self._timeout = (
            settings.number("timeout", timeout[0]),
            settings.number("timeout", timeout[1]),
        )
        self._budget = settings.number("budget", budget)
        self._max_workers = int(settings.number("max_workers", max_workers, least=1))
        self._progress = progress
        self._asked: set[str] = set()
        self._opening = threading.Lock()
        # The session, and the process that opened it.
        self._opened: tuple[int, CachedSession] | None = None

    @classmethod
    def sample(cls) -> Client:
        """A client of the invented sample account: ``Client(api_url="sample:")``.

        Examples
        --------
        >>> import k6frames
        >>> len(k6frames.organizations_df(client=k6frames.Client.sample()))
        12
        """
        return cls(api_url=settings.SAMPLE_URL)

    @property
    def api_url(self) -> str:
        """The address that is asked."""
        return self._settings.api_url

    def get(self, path: str) -> bytes:
        """The raw answer to one path; also the way to fields that no table declares.

        Parameters
        ----------
        path : str
            A path of the API, such as ``/v3/organizations``.

        Returns
        -------
        bytes
            The body, from the cache where it is fresh enough.

        Raises
        ------
        APIError
            If the API gave no usable answer; its message says what to do.

        Examples
        --------
        >>> import json, k6frames
        >>> answer = k6frames.Client.sample().get("/v3/organizations")
        >>> sorted(json.loads(answer))
        ['organizations']
        """
        return self.fetch([path]).bodies[path]

    def get_many(
        self, paths: Iterable[str], *, on_error: OnError = "raise"
    ) -> tuple[dict[str, bytes], dict[str, APIError]]:
        """The raw answers to many paths, each asked once, several at a time.

        Parameters
        ----------
        paths : iterable of str
            Paths of the API.
        on_error : {"raise", "warn"}, default "raise"
            Raise the first failure, or go on and return the failures beside the answers.

        Returns
        -------
        bodies : dict of str to bytes
            The answers, in the order of the paths.
        failures : dict of str to APIError
            Why the other paths have none.

        Raises
        ------
        APIError
            With ``on_error="raise"``, if a path has no usable answer.

        Examples
        --------
        >>> import k6frames
        >>> bodies, failures = k6frames.Client.sample().get_many(
        ...     ["/v3/organizations", "/v3/organizations/1"], on_error="warn"
        ... )
        >>> list(bodies), list(failures)
        (['/v3/organizations'], ['/v3/organizations/1'])
        """
        fetched = self.fetch(paths, on_error=on_error)
        return fetched.bodies, fetched.failures

    def fetch(self, paths: Iterable[str], *, on_error: OnError = "raise") -> Fetched:
        """As `get_many`, and with the time of the oldest answer."""
        if on_error not in ("raise", "warn"):
            raise ConfigError(f'on_error is "raise" or "warn", not {on_error!r}.')
        wanted = list(dict.fromkeys(paths))
        session = self._session()
        # A hit takes a tenth of a millisecond, and threads would only make it slower.
        hits = {path: self._kept(session, path) for path in wanted}
        answers = {path: answer for path, answer in hits.items() if answer is not None}
        misses = [path for path in wanted if path not in answers]
        failures: dict[str, APIError] = {}
        if misses and self._offline:
            if on_error == "raise":
                raise self._not_kept(misses[0], misses[1:])
            failures = {path: self._not_kept(path, []) for path in misses}
        elif misses:
            self._fetch_into(answers, failures, session, misses, on_error)
        oldest = min((answer.fetched for answer in answers.values()), default=None)
        bodies = {path: answers[path].body for path in wanted if path in answers}
        failed = {path: failures[path] for path in wanted if path in failures}
        return Fetched(bodies, failed, oldest)

    def close(self) -> None:
        """Close connections and the cache. The next request opens them again."""
        opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<k6frames.Client {self.api_url} ({'; '.join(self._traits())})>"

    def _repr_html_(self) -> str:
        cache = self._settings.cache
        held = caching.holdings(cache.parent, cache.name) if cache else []
        traits = "".join(f"<li>{html.escape(str(t))}</li>" for t in [*self._traits(), *held])
        return f"<b>k6frames.Client</b> of {html.escape(self.api_url)}<ul>{traits}</ul>"

    def _traits(self) -> list[str]:
        """Whose data this is and how it is kept, for people."""
        if self.api_url == settings.SAMPLE_URL:
            return ["the invented sample account"]
        if self._settings.folder is not None:
            return ["answers from files"]
        if self._settings.cache is None:
            return ["not cached"]
        if self._offline:
            return [f"offline, from the cache in {self._settings.cache.parent}"]
        hours = self._expire_after.total_seconds() / 3600
        return [
            f"cached for {hours:g} h in {self._settings.cache.parent}",
            *(["refreshed once"] if self._refresh else []),
        ]

    # --- inside ---------------------------------------------------------------------------------

    def _session(self) -> CachedSession:
        """The session of this process: neither a connection nor a cache file survives a fork."""
        opened, process = self._opened, os.getpid()
        if opened is None or opened[0] != process:
            with self._opening:
                opened = self._opened
                if opened is not None and opened[0] != process:
                    _left_alone.append(opened[1])
                    opened = None
                if opened is None:
                    opened = self._opened = (process, self._new_session())
        return opened[1]

    def _new_session(self) -> CachedSession:
        session = caching.open_session(
            self._settings.cache, keep=lambda response: NOT_KEPT not in response.headers
        )
        # With trust_env a ~/.netrc would be read; `environment` reads the rest.
        session.trust_env = False
        session.headers["User-Agent"] = f"k6frames/{version('k6frames')}"
        session.headers["Accept"] = "application/json"
        session.adapters.clear()
        if self._settings.folder is not None:
            session.mount(self._base, Folder(self._settings.folder, self._base))
        elif self._settings.token is not None:
            wire = Wire(self._settings.token, budget=self._budget, connections=self._max_workers)
            session.mount(self._base, wire)
            session.proxies, session.verify = environment(self._base)
        return session

    def _url(self, path: str) -> str:
        if not path.startswith("/"):
            raise ConfigError(f"A path begins with '/', such as /v3/organizations; not {path!r}.")
        url = self._base + path
        return url if _PLAIN.fullmatch(path) else normal(url)

    def _kept(self, session: CachedSession, path: str) -> _Answer | None:
        """The kept answer to a path, if there is one and it may be used."""
        if self._refresh and path not in self._asked:
            return None
        response = session.cache.get_response(caching.key(self._url(path)))
        if response is None or not response.content:
            return None
        age = datetime.now(UTC) - response.created_at
        # An answer from the future was written while the clock was wrong: its age is unknown.
        if not self._offline and abs(age) >= self._expire_after:
            return None
        return _Answer(response.content, response.created_at)

    def _not_kept(self, path: str, others: list[str]) -> APIError:
        more = f" (nor are {len(others)} more: {', '.join(others[:10])})" if others else ""
        message = (
            f"{path} is not in the cache{more}, and offline=True sends no request. "
            "Fetch it once with offline=False."
        )
        return APIError(None, None, message, self._url(path))

    def _fetch_into(
        self,
        answers: dict[str, _Answer],
        failures: dict[str, APIError],
        session: CachedSession,
        paths: list[str],
        on_error: OnError,
    ) -> None:
        """Ask for the paths on several threads; what has come is kept even if we stop half-way."""
        ask = partial(self._ask, session)
        bar = tqdm(
            total=len(paths),
            desc="k6frames",
            unit=" answers",
            leave=False,
            delay=1,
            disable=not self._shows_progress(),
        )
        with bar, contextlib.closing(at_once(ask, paths, self._max_workers)) as outcomes:
            for path, outcome in outcomes:
                if isinstance(outcome, _Answer):
                    answers[path] = outcome
                elif isinstance(outcome, APIError) and on_error == "warn":
                    failures[path] = outcome
                else:
                    raise outcome
                bar.update()

    def _ask(self, session: CachedSession, path: str) -> _Answer:
        response = session.get(
            self._url(path), timeout=self._timeout, allow_redirects=False, force_refresh=True
        )
        self._asked.add(path)
        written = response.headers.get("Last-Modified")
        fetched = datetime.fromisoformat(written) if written else datetime.now(UTC)
        return _Answer(response.content, fetched)

    def _shows_progress(self) -> bool:
        if self._progress is not None:
            return self._progress
        return sys.stderr.isatty() or "ipykernel" in sys.modules


_shared: dict[settings.Settings, Client] = {}
_sharing = threading.Lock()


def shared_client() -> Client:
    """The client behind ``client=None``: one for each account that the environment names."""
    found = settings.resolve(None, None, cache=True)
    with _sharing:
        if found not in _shared:
            _shared[found] = Client()
        return _shared[found]
