"""Test runs in time windows, against an account in memory: complete, few requests, or an error."""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import strategies  # noqa: F401 - it registers the hypothesis profile
from hypothesis import given
from hypothesis import strategies as st

from k6frames.api.endpoints import TEST_RUNS, Request
from k6frames.api.list_page import Page, PageRow
from k6frames.api.paging import PAGE_SIZE
from k6frames.api.session import Response
from k6frames.api.time_windows import TimeWindows
from k6frames.errors import APIError, SchemaError

START = datetime(2024, 7, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 12, 34, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ORDERS: dict[str, Callable[[list[PageRow]], list[PageRow]]] = {
    "oldest first": lambda rows: rows[:PAGE_SIZE],
    "newest first": lambda rows: rows[: -PAGE_SIZE - 1 : -1],
    "newest page, ascending": lambda rows: rows[-PAGE_SIZE:],
    "random": lambda rows: random.Random(len(rows)).sample(rows, min(len(rows), PAGE_SIZE)),
    "by ID, a second off": lambda rows: sorted(
        rows[:PAGE_SIZE], key=lambda row: (str(row.created)[:19], str(row.created)[::-1])
    ),
}


class Account:
    """The runs of an account, by their creation time."""

    def __init__(self, times: list[datetime], order: str = "oldest first") -> None:
        self.times = sorted(times)
        self.rows = [PageRow(id=i, created=t.isoformat()) for i, t in enumerate(self.times)]
        self.order = order
        self.requests = 0
        self.ignores_filters = False

    def page(self, request: Request) -> Page:
        self.requests += 1
        assert self.requests < 5_000, "the requests never end"
        query = parse_qs(urlsplit(request.path).query)
        assert set(query) <= {"$count", "$top", "created_after", "created_before"}
        assert query["$top"] == ["1000"]
        first, last = 0, len(self.rows)
        if not self.ignores_filters:
            if "created_after" in query:
                first = bisect.bisect_left(
                    self.times, datetime.fromisoformat(*query["created_after"])
                )
            if "created_before" in query:
                last = bisect.bisect_left(
                    self.times, datetime.fromisoformat(*query["created_before"])
                )
        rows = self.rows[first:last]
        return Page(value=ORDERS[self.order](rows), count=len(rows))

    def read(self, *, after: datetime | None = None, before: datetime | None = None) -> set[int]:
        """Return the IDs of the runs in a window, as `read_lists` reads them."""
        pages: dict[Request, Page] = {}
        reader = TimeWindows(Request(TEST_RUNS, 5), after, before)
        for _ in range(3):
            queue = reader.start()
            while queue:
                request = queue.pop()
                pages[request] = self.page(request)
                queue += reader.receive(request, pages[request], Response(b"", NOW))
            if reader.is_complete():
                return {row.id for request in reader.pages for row in pages[request].value}
        raise AssertionError("incomplete")


def spread(count: int, density: Callable[[float], float]) -> list[datetime]:
    chance = random.Random(count)
    return [START + (NOW - START) * density(chance.random()) for _ in range(count)]


def weekly(count: int) -> list[datetime]:
    """Return times that are mostly in the office hours of working days, more of them each month."""
    times = (t for t in spread(3 * count, math.sqrt) if t.weekday() < 5 and 8 <= t.hour < 18)
    found = list(times)[: int(count * 0.9)]
    return found + spread(count - len(found), math.sqrt)


@pytest.mark.parametrize(
    ("times", "limit"),
    [
        (spread(100_000, lambda x: x), 1.3),
        (spread(100_000, math.sqrt), 1.4),
        (weekly(100_000), 1.6),
        # All in the first sixth of the time since the oldest run.
        (spread(100_000, lambda x: math.sqrt(x) / 6), 1.5),
        (spread(3_456, math.sqrt), 2.5),
    ],
    ids=["uniform", "growing", "weekly", "ended", "small"],
)
def test_an_account_is_read_with_few_requests(times, limit):
    account = Account(times)
    assert account.read() == set(range(len(times)))
    assert account.requests <= limit * len(times) / PAGE_SIZE


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001])
def test_a_list_that_fits_a_page_is_one_request(count):
    account = Account(spread(count, lambda x: x))
    assert account.read() == set(range(count))
    assert account.requests <= (1 if count <= PAGE_SIZE else 3)


seconds = timedelta(seconds=1)
bursts = st.lists(
    st.tuples(
        st.integers(1, 1500),
        st.timedeltas(timedelta(0), NOW - START - seconds),
        st.sampled_from([timedelta(days=90), timedelta(hours=1), seconds, MICROSECOND * 5_000]),
        st.integers(0, 99),
    ),
    max_size=4,
)


def times_of(drawn: list[tuple[int, timedelta, timedelta, int]]) -> list[datetime]:
    times = []
    for count, offset, width, seed in drawn:
        chance = random.Random(seed)
        times += [min(START + offset + width * chance.random(), NOW) for _ in range(count)]
    return times


@given(
    bursts.map(times_of),
    st.sampled_from(list(ORDERS)),
    st.none() | st.timedeltas(timedelta(0), NOW - START),
    st.none() | st.timedeltas(timedelta(0), NOW - START + timedelta(days=9_000)),
)
def test_any_distribution_in_any_order_is_read_completely(times, order, after, before):
    account = Account(times, order)
    lower = None if after is None else START + after
    upper = None if before is None else START + before
    expected = {
        row.id
        for row, time in zip(account.rows, account.times, strict=True)
        if (lower is None or time >= lower) and (upper is None or time < upper)
    }
    assert account.read(after=lower, before=upper) == expected


@pytest.mark.parametrize("order", ["oldest first", "newest first", "random"])
def test_a_thousand_runs_in_one_microsecond_are_read_and_one_more_is_an_error(order):
    others = spread(1500, lambda x: x)
    burst = [START + timedelta(days=100, microseconds=7)] * PAGE_SIZE
    assert len(Account(others + burst, order).read()) == 2500
    with pytest.raises(APIError, match=r"more than 1,000 test runs .* the same microsecond"):
        Account([*others, *burst, burst[0]], order).read()


def test_times_without_fractions_do_not_lose_runs():
    account = Account([START + MICROSECOND * 400 * i for i in range(4000)])
    for row in account.rows:
        row.created = row.created[:19] + "Z"
    assert account.read() == set(range(4000))


def test_a_page_whose_newest_run_is_at_the_end_of_the_window_is_split():
    end = START + timedelta(hours=1)
    account = Account([START + (end - START) * i / 1500 for i in range(1500)])
    account.rows[999].created = end.isoformat()  # rounded up by the API
    assert account.read(before=end) == set(range(1500))


def test_a_server_that_ignores_the_filters_is_an_error():
    for width in (timedelta(days=700), timedelta(seconds=1)):
        account = Account([START + width * (i / 3000) for i in range(3000)])
        account.ignores_filters = True
        with pytest.raises((SchemaError, APIError), match=r"requested window|same microsecond"):
            account.read()
        assert account.requests < 100


def test_a_count_that_contradicts_the_page_is_an_error():
    account = Account(spread(300, lambda x: x))
    reader = TimeWindows(Request(TEST_RUNS, 5))
    (request,) = reader.start()
    page = account.page(request)
    page.count = 10**15
    with pytest.raises(SchemaError, match="only 300 of 1,000,000,000,000,000 rows"):
        reader.receive(request, page, Response(b"", NOW))


def test_a_very_large_count_leads_to_a_limited_number_of_requests():
    account = Account(spread(2000, lambda x: x))
    reader = TimeWindows(Request(TEST_RUNS, 5))
    (request,) = reader.start()
    page = account.page(request)
    page.count = 10**15
    assert len(reader.receive(request, page, Response(b"", NOW))) <= 1000


@pytest.mark.parametrize(
    "created", ["soon", 5, "0001-01-01T00:00:00+02:00", "2026-13-01T00:00:00Z"]
)
def test_an_invalid_creation_time_is_an_error_where_it_is_needed(created):
    rows = [PageRow(id=i, created=created) for i in range(PAGE_SIZE)]
    reader = TimeWindows(Request(TEST_RUNS, 5))
    (request,) = reader.start()
    with pytest.raises(SchemaError, match="no valid creation time"):
        reader.receive(request, Page(value=rows, count=2000), Response(b"", NOW))


def test_runs_may_be_dated_in_the_year_9999():
    rows = [PageRow(id=i, created="9999-12-31T23:59:59.5z") for i in range(PAGE_SIZE)]
    reader = TimeWindows(Request(TEST_RUNS, 5))
    (request,) = reader.start()
    assert reader.receive(request, Page(value=rows, count=2000), Response(b"", NOW))


def test_the_same_windows_are_requested_within_the_hour():
    account = Account(spread(5_000, math.sqrt))

    def requests(now: datetime) -> list[Request]:
        reader = TimeWindows(Request(TEST_RUNS, 5))
        (first,) = reader.start()
        return reader.receive(first, account.page(first), Response(b"", now))

    assert requests(NOW) == requests(NOW + timedelta(minutes=20))


def test_runs_that_are_added_while_a_window_into_the_future_is_read_are_accepted():
    account = Account(spread(3_500, math.sqrt))
    take_page = account.page

    def page_of_growing_account(request: Request) -> Page:
        page = take_page(request)
        account.times.append(NOW + MICROSECOND * len(account.times))
        row = PageRow(id=len(account.rows), created=account.times[-1].isoformat())
        account.rows.append(row)
        return page

    account.page = page_of_growing_account  # type: ignore[method-assign]
    assert len(account.read(before=NOW + timedelta(days=1))) >= 3_500
    assert account.requests < 7  # as many as if the account did not grow
