"""`ApiSession`: the response to one request, from the cache, the account's server or its folder."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import requests
from requests_cache import CachedSession

from k6frames.api import cache
from k6frames.api.endpoints import Request
from k6frames.api.folder import FolderAdapter
from k6frames.api.forks import close_before_fork, fork_lock
from k6frames.api.proxies import find_certificates, find_proxies
from k6frames.api.retry_adapter import DO_NOT_CACHE, RetryAdapter
from k6frames.api.settings import Settings
from k6frames.errors import APIError, ConfigError

# A path with only these characters needs no normalization.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_-]*")


@dataclass(frozen=True)
class Response:
    """A body, and when it was fetched."""

    # Not in the repr: a traceback with local variables would show the body.
    body: bytes = field(repr=False)
    fetched: datetime


class ApiSession:
    """A requests session for one account, opened on first use and again after a fork.

    Parameters
    ----------
    settings : Settings
        The account.
    timeout : tuple of float
        Seconds to wait for a connection, and then each time for more data from the server.
    budget : float
        Seconds for one request, including all attempts and waits.
    connections : int
        How many connections are kept open.
    """

    def __init__(
        self, settings: Settings, *, timeout: tuple[float, float], budget: float, connections: int
    ) -> None:
        self._settings = settings
        self._address = normalize_url(settings.api_url).rstrip("/")
        self._timeout = timeout
        self._budget = budget
        self._connections = connections
        self._session: CachedSession | None = None
        close_before_fork(self)

    def send(self, request: Request) -> Response:
        """Send a request and cache the response.

        Raises
        ------
        APIError
            If there is no usable response.
        """
        try:
            response = self._open_session().get(
                self.url(request),
                headers=request.headers,
                timeout=self._timeout,
                allow_redirects=False,
                force_refresh=True,  # the cache is read by `cached`
            )
        except APIError as error:
            raise add_label(request, error) from None
        modified = response.headers.get("Last-Modified")  # set by FolderAdapter only, as ISO 8601
        fetched = datetime.fromisoformat(modified) if modified else datetime.now(UTC)
        return Response(response.content, fetched)

    def cached(self, request: Request, max_age: timedelta | None) -> Response | None:
        """Return the cached response to a request, unless it is older than `max_age` (if any)."""
        storage = self._open_session().cache.responses
        if not isinstance(storage, cache.SQLiteStorage):
            return None
        found = storage.find(self._cache_key(request))
        if found is None:
            return None
        response = Response(*found)
        age = datetime.now(UTC) - response.fetched
        # abs, because a response that was cached with a wrong clock may be from the future.
        if max_age is not None and abs(age) >= max_age:
            return None
        return response

    def forget(self, requests: Iterable[Request]) -> None:
        """Remove responses from the cache, so that they are fetched again."""
        for request in requests:
            with contextlib.suppress(KeyError):
                del self._open_session().cache.responses[self._cache_key(request)]

    def url(self, request: Request) -> str:
        """Return the URL of a request.

        Raises
        ------
        ConfigError
            If its path is malformed or leads outside the API's address.
        """
        path = request.path
        if not path.startswith("/"):
            raise ConfigError(
                f"A path must begin with '/', like /v3/organizations, not {path[:200]!r}."
            )
        url = self._address + path
        if _PLAIN_PATH.fullmatch(path):
            return url
        url = normalize_url(url)
        if not url.startswith(f"{self._address}/"):
            raise ConfigError(f"The path {path[:200]!r} leads outside {self._settings.api_url}.")
        return url

    def close(self) -> None:
        """Close connections and the cache. The next request opens them again."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open_session(self) -> CachedSession:
        """Return the session, opened if necessary."""
        session = self._session  # read once, as a thread that forks sets it to None
        if session is None:
            with fork_lock:
                session = self._session
                if session is None:
                    session = self._session = self._create_session()
        return session

    def _create_session(self) -> CachedSession:
        settings = self._settings
        session = cache.open_session(
            settings.cache_folder,
            address=settings.api_url,
            should_cache=lambda response: DO_NOT_CACHE not in response.headers,
        )
        # With trust_env, requests would read ~/.netrc.
        session.trust_env = False
        session.headers["User-Agent"] = f"k6frames/{version('k6frames')}"
        session.headers["Accept"] = "application/json"
        session.adapters.clear()  # so that no other host can be requested
        if settings.folder is not None:
            session.mount(self._address, FolderAdapter(settings.folder, self._address))
        elif settings.token is not None:
            adapter = RetryAdapter(
                settings.token, self._address, budget=self._budget, connections=self._connections
            )
            session.mount(self._address, adapter)
            session.proxies = find_proxies(self._address)
            session.verify = find_certificates()
        return session

    def _cache_key(self, request: Request) -> str:
        return cache.cache_key(self.url(request), request.stack)


def add_label(request: Request, error: APIError) -> APIError:
    """Return an error whose message begins with the label of the request, if it has one."""
    if not request.label:
        return error
    return APIError(error.status, error.code, f"{request.label}: {error.message}", error.url)


def normalize_url(url: str) -> str:
    """Return a URL in the form in which requests sends it and the cache stores it."""
    try:
        # Twice, because "%2e%2e" becomes ".." the first time, which is resolved the second time.
        for _ in range(2):
            url = str(requests.Request("GET", url).prepare().url)
    except ValueError as error:  # requests' own errors about URLs are ValueErrors too
        raise ConfigError(
            f"{url[:200]!r} is not an address that can be requested: {error}"
        ) from None
    return url
