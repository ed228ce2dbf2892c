"""v6: projects, labels, load tests, schedules, limits and load zones of the sample stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sample_account.response_formats import AS_OF, Record, utc, write_v6_timestamp
from sample_account.rhythms import Hourly, Monthly, OnDemand, Rhythm, Weekly

STACK_ID = 48213
STACK_URL = "https://marmaladeparcels.grafana.net"
DEFAULT_PROJECT_ID = 11534

SEARCH, PAYMENTS, LOGIN, CHECKOUT = 1168457, 1324584, 2113263, 2866937
SMOKE, DEPOT, LAUNCH, CART = 2873978, 2972145, 3070750, 3674765

PROJECT_LABELS: dict[int, dict[str, str] | None] = {
    DEFAULT_PROJECT_ID: {},
    SEARCH: {"team": "search", "environment": "staging"},
    PAYMENTS: {"team": "payments", "environment": "production", "cost_center": "CC-0417"},
    LOGIN: {"team": "identity", "environment": "staging"},
    CHECKOUT: {"team": "checkout", "environment": "production", "cost_center": "CC-0388"},
    SMOKE: {"team": "platform", "environment": "production"},
    DEPOT: None,  # the record has no field "labels"
    LAUNCH: {"team": "campaigns"},
    CART: {"team": "checkout", "environment": "staging"},
}
"""The projects of the stack, which are projects of organization 1013 in v3, with their labels."""

DUBLIN, ASHBURN, FRANKFURT = "amazon:ie:dublin", "amazon:us:ashburn", "amazon:de:frankfurt"
LEEDS, LODZ = "marmalade-leeds", "marmalade-lodz"
PRIVATE_ZONES = (LEEDS, LODZ)


@dataclass(frozen=True)
class LoadTest:
    """A load test, how often it runs, and how large and fast it is."""

    id: int
    project_id: int
    name: str
    created: str
    rhythm: Rhythm | None  # None: it has never run
    vus: int = 0  # at the end of the sample; fewer before
    minutes: float = 0
    p95: float = 300  # of http_req_duration, in ms
    browser_vus: int = 0
    zone: str = DUBLIN
    windows: tuple[tuple[str, str], ...] = ()  # first and last days of use; empty: always
    first_share: float = 0.6  # VUs on the first day, as a share of `vus`
    p95_threshold: float | None = None

    @property
    def threshold(self) -> float:
        """The p95 above which a run fails, in ms."""
        return self.p95_threshold or round(self.p95 * 1.2, -1)


# fmt: off
LOAD_TESTS = [
    LoadTest(604118, DEPOT, "Depot move: cut-over rehearsal", "2023-09-18", Weekly("TU FR", "10:00"), 90, 30, 610,
             windows=(("2024-01-05", "2024-05-31"),)),
    LoadTest(605931, CHECKOUT, "Checkout soak, 4 hours", "2023-10-02", Weekly("SA", "03:00"), 160, 240, 540),
    LoadTest(606402, SMOKE, "Storefront smoke", "2023-10-09", OnDemand(1.3), 8, 3, 210),
    LoadTest(606544, SMOKE, "GraphQL gateway smoke", "2023-10-11", OnDemand(0.8), 6, 3, 180),
    LoadTest(607218, SEARCH, "Search: filters and facets", "2023-11-20", Weekly("TH", "02:15"), 90, 25, 340),
    LoadTest(608850, DEFAULT_PROJECT_ID, "Scratch test", "2023-12-05", OnDemand(0.5), 20, 6, 400),
    LoadTest(611507, PAYMENTS, "Payout batch at month's end", "2024-01-15", Monthly(28, "22:00"), 70, 60, 900),
    LoadTest(612983, SEARCH, "Index rebuild under load", "2024-01-22", Monthly(1, "05:00"), 110, 45, 700),
    LoadTest(614276, LAUNCH, "Launch day: countdown", "2024-02-19", OnDemand(7), 800, 25, 480, zone=ASHBURN,
             windows=(("2024-05-13", "2024-05-24"), ("2025-03-10", "2025-03-21"), ("2026-05-11", "2026-05-22"))),
    LoadTest(615022, SEARCH, "Search breakpoint", "2024-03-04", OnDemand(0.2), 800, 30, 820),
    LoadTest(618391, DEFAULT_PROJECT_ID, "Load test workshop", "2024-04-02", OnDemand(11), 10, 5, 350,
             windows=(("2024-04-16", "2024-04-18"), ("2025-04-15", "2025-04-17"), ("2026-04-14", "2026-04-16"))),
    LoadTest(620057, CHECKOUT, "Commande en ligne – FR", "2024-05-06", Weekly("TU", "04:00"), 100, 30, 460),
    LoadTest(625740, SMOKE, "Mobile backend smoke", "2024-07-08", OnDemand(0.7), 5, 3, 160),
    LoadTest(629466, PAYMENTS, "Refund webhooks", "2024-08-05", Weekly("MO", "04:30"), 150, 40, 380),
    LoadTest(633108, CHECKOUT, "Bestellstrecke – DE", "2024-09-02", Weekly("TH", "04:00"), 100, 30, 450, zone=FRANKFURT),
    LoadTest(634871, LOGIN, "Login spike, Monday 7 a.m.", "2024-09-09", Weekly("MO", "07:00"), 600, 12, 290),
    LoadTest(637520, LAUNCH, "Black Friday rehearsal", "2024-10-01", OnDemand(4.5), 700, 40, 560,
             windows=(("2024-10-28", "2024-11-27"), ("2025-10-27", "2025-11-26"))),
    LoadTest(638014, CHECKOUT, "Basket to doorstep, in a browser", "2024-10-07", Weekly("WE", "13:00"), 10, 15, 980, 10),
    LoadTest(641699, SMOKE, "Image resizer smoke", "2024-11-11", OnDemand(0.6), 4, 3, 240),
    LoadTest(702245, SEARCH, "Search: typo tolerance", "2025-01-07", Weekly("TU", "02:15"), 80, 25, 360, zone=LODZ),
    LoadTest(704883, CHECKOUT, "Checkout spike", "2025-01-20", OnDemand(0.6), 700, 10, 630),
    LoadTest(711036, PAYMENTS, "Currency rates, 30 minutes", "2025-03-03", Weekly("FR", "06:00", weeks=2), 60, 30, 150),
    LoadTest(714590, PAYMENTS, "Webhooks: retry storm", "2025-03-24", OnDemand(0.5), 140, 20, 720),
    LoadTest(716207, SEARCH, "検索 – JP storefront", "2025-04-01", Weekly("TU", "00:00"), 60, 20, 510),
    LoadTest(721964, SMOKE, "WebSocket chat smoke", "2025-05-12", OnDemand(0.6), 6, 4, 130),
    LoadTest(724418, CHECKOUT, "Checkout: gift vouchers", "2025-06-02", Weekly("MO TH", "02:30"), 80, 20, 420),
    LoadTest(724902, SEARCH, "Search: autocomplete", "2025-06-04", Weekly("MO WE FR", "02:00"), 140, 20, 240, zone=LEEDS),
    LoadTest(731855, LAUNCH, "Newsletter rush", "2025-08-08", Hourly(72, "09:00"), 300, 15, 370,
             windows=(("2025-08-11", "2025-12-23"),)),
    LoadTest(735140, CHECKOUT, "Checkout: card payment", "2025-09-01", Weekly("MO TU WE TH FR", "01:00"), 120, 20, 430,
             p95_threshold=650),
    LoadTest(735601, PAYMENTS, "Webhooks: card settlements", "2025-09-03", Weekly("MO TH", "04:00"), 130, 30, 310),
    LoadTest(738277, SMOKE, "Warehouse scanner smoke – Łódź", "2025-10-06", OnDemand(0.8), 4, 3, 260, zone=LODZ),
    LoadTest(739046, LOGIN, "Session refresh", "2025-10-13", Weekly("FR", "03:30"), 200, 20, 120),
    LoadTest(741883, LOGIN, "Login: passkey sign-in", "2025-11-03", Weekly("TU TH SA", "03:00"), 90, 15, 330),
    LoadTest(801312, LOGIN, "Login: password sign-in", "2026-01-05", Weekly("MO TU WE TH FR", "01:30"), 100, 15, 280),
    LoadTest(803790, LOGIN, "Sign-up: e-mail confirmation", "2026-01-12", OnDemand(0.9), 80, 12, 390),
    LoadTest(808455, LAUNCH, "Launch day 2027: draft", "2026-02-11", None),
    LoadTest(815629, SMOKE, "API smoke, production", "2026-04-15", Hourly(12, "06:00"), 5, 2, 140),
    LoadTest(816904, CART, "Cart: add and remove", "2026-04-27", Weekly("MO TU WE TH FR SA SU", "00:30"), 160, 20, 190,
             first_share=0.2),
    LoadTest(817033, CART, "Cart: price recalculation", "2026-04-27", Weekly("MO WE FR", "05:30"), 110, 25, 270,
             first_share=0.3),
    LoadTest(817951, CART, "Cart soak, overnight", "2026-05-01", Weekly("SU", "22:00"), 60, 720, 220, first_share=0.5),
]

DELETED_LOAD_TEST = LoadTest(603077, DEFAULT_PROJECT_ID, "", "2023-08-21", OnDemand(1.2), 25, 10, 500,
                             windows=(("2024-01-08", "2024-02-29"),))
"""Its runs are listed, but the load test is not."""

SLOWER, FASTER, STEADY, FLAKY, FAILING, REFUNDS = 735140, 724902, 801312, 741883, 724418, 629466
WORKSHOP = 618391
"""Load tests whose runs tell a story."""

SCHEDULES: list[tuple[int, str, str | None, dict[str, object]]] = [
    # load test, starts, next run, how it recurs
    (604118, "2024-05-31T10:00", None, {}),
    (605931, "2024-01-06T03:00", "2026-07-04T03:00", {"frequency": "WEEKLY", "byday": ["SA"]}),
    (606402, "2026-02-02T06:00", "2026-03-09T08:00",
     {"frequency": "HOURLY", "interval": 2, "byday": [], "days": [], "ends": None, "deactivated": True}),
    (607218, "2024-01-04T02:15", "2026-07-02T02:15", {"frequency": "WEEKLY"}),
    (611507, "2024-01-28T22:00", "2026-07-28T22:00", {"frequency": "MONTHLY"}),
    (612983, "2024-02-01T05:00", "2026-07-01T05:00", {"frequency": "MONTHLY", "interval": 1}),
    (629466, "2024-08-05T04:30", "2026-07-06T04:30", {"frequency": "WEEKLY", "byday": ["MO"]}),
    (634871, "2024-09-09T00:00", "2026-07-06T07:00", {"cron": "0 7 * * 1"}),
    (637520, "2024-11-04T10:00", "2026-11-04T10:00", {"frequency": "YEARLY"}),
    (638014, "2024-10-09T13:00", "2026-07-01T13:00", {"frequency": "WEEKLY", "byday": ["WE"]}),
    (702245, "2025-01-07T02:15", "2026-06-30T02:15", {"frequency": "WEEKLY", "byday": ["TU"]}),
    (711036, "2025-03-07T06:00", "2026-07-10T06:00",
     {"frequency": "WEEKLY", "interval": 2, "byday": ["FR"], "count": 40}),
    (716207, "2025-04-01T00:00", "2026-06-30T00:00", {"cron": "0 9 * * 2", "time_zone": "Asia/Tokyo"}),
    (724418, "2025-06-02T02:30", "2026-07-02T02:30", {"frequency": "WEEKLY", "byday": ["MO", "TH"]}),
    (724902, "2025-06-04T00:00", "2026-07-01T02:00", {"cron": "0 2 * * 1,3,5"}),
    (731855, "2025-08-11T09:00", None, {"frequency": "DAILY", "interval": 3, "until": "2025-12-23T23:59"}),
    (735140, "2025-09-01T01:00", "2026-06-30T01:00",
     {"frequency": "WEEKLY", "byday": ["MO", "TU", "WE", "TH", "FR"]}),
    (735601, "2025-09-04T04:00", "2026-07-02T04:00",
     {"frequency": "WEEKLY", "interval": 1, "byday": ["MO", "TH"], "until": "2026-07-31T23:59"}),
    (739046, "2025-10-17T03:30", "2026-07-03T03:30", {"frequency": "WEEKLY", "byday": ["FR"]}),
    (741883, "2025-11-04T03:00", "2026-06-30T03:00", {"frequency": "WEEKLY", "byday": ["TU", "TH", "SA"]}),
    (801312, "2026-01-05T00:00", "2026-06-30T01:30", {"cron": "30 1 * * 1-5"}),
    (808455, "2026-09-01T09:00", "2026-09-01T09:00", {}),
    (815629, "2026-04-15T06:00", "2026-06-29T18:00", {"frequency": "HOURLY", "interval": 12}),
    (816904, "2026-04-27T00:30", "2026-06-30T00:30",
     {"frequency": "DAILY", "interval": 1, "until": "2026-09-30T00:00"}),
    (817033, "2026-04-27T05:30", "2026-07-01T05:30", {"frequency": "WEEKLY", "byday": ["MO", "WE", "FR"]}),
    (817951, "2026-05-03T22:00", "2026-07-05T22:00", {"frequency": "WEEKLY", "byday": ["SU"], "count": 10}),
    (606544, "2026-01-01T00:00", "2026-07-05T00:00", {"cron": "@weekly", "deactivated": True}),
]

LIMITS = [
    # project, VUh per month, VUs per test, browser VUs per test, seconds per test; other projects have no limits
    (DEFAULT_PROJECT_ID, 50, 50, 5, 1800),
    (SEARCH, 3000, 1000, None, None),
    (PAYMENTS, 1250, 500, None, 7200),
    (LOGIN, 1750, None, None, None),
    (CHECKOUT, 6000, 2000, 20, 18000),
    (SMOKE, 100, 20, 2, 600),
    (LAUNCH, None, 5000, None, None),
]

LOAD_ZONES = [
    # ID, name, k6 ID, available, public, image
    (1, "US East (Ashburn)", ASHBURN, True, True, None),
    (3, "Asia Pacific (Tokyo)", "amazon:jp:tokyo", False, True, None),
    (8, "EU (Dublin)", DUBLIN, True, True, None),
    (9, "EU (Frankfurt)", FRANKFURT, True, True, None),
    (2207, "Leeds depot", LEEDS, True, False, "registry.example.com/k6-runner:1.4"),
    (2391, "Sortownia Łódź", LODZ, False, False, None),
]
# fmt: on


def projects(v3_projects: Sequence[Mapping[str, object]]) -> list[Record]:
    """Return the stack's projects, from their v3 records."""
    rng = Random("projects")
    records = []
    for project in v3_projects:
        project_id = project["id"]
        if not isinstance(project_id, int) or project_id not in PROJECT_LABELS:
            continue
        folder_uid = f"de{rng.getrandbits(48):012x}"
        record: Record = {
            "id": project_id,
            "name": project["name"],
            "is_default": project_id == DEFAULT_PROJECT_ID,
            "grafana_folder_uid": folder_uid if rng.random() < 0.7 else None,
            "created": project["created"],
            "updated": project["updated"],
        }
        labels = PROJECT_LABELS[project_id]
        if labels is not None:
            record["labels"] = labels
        records.append(record)
    return records


def labels() -> list[Record]:
    """Return the label keys of the stack."""
    descriptions = {
        "environment": "Environment being tested",
        "team": "Team responsible for the project",
        "cost_center": None,
    }
    keys = enumerate(descriptions.items(), start=1)
    return [{"id": i, "key": key, "description": text} for i, (key, text) in keys]


def load_tests() -> list[Record]:
    """Return the load tests, in ascending order of IDs."""
    rng = Random("load tests")
    records = []
    for test in LOAD_TESTS:
        created = utc(test.created) - timedelta(hours=7 + 8 * rng.random())  # the day before
        updated = created + (AS_OF - timedelta(days=1) - created) * rng.random() ** 2
        record: Record = {
            "id": test.id,
            "project_id": test.project_id,
            "name": test.name,
            "baseline_test_run_id": None,
            "k6_version": rng.choice((None, 57, 61, 64)),
            "created": write_v6_timestamp(rng, created),
            "updated": write_v6_timestamp(rng, updated),
        }
        if rng.random() < 0.2:
            record["script_size"] = rng.randrange(900, 40_000)  # undocumented
        records.append(record)
    return records


def schedules() -> list[Record]:
    """Return the schedules: of every frequency, with cron, once, deactivated, ended."""
    rng = Random("schedules")

    def write_optional_time(text: object) -> str | None:
        return None if text is None else write_v6_timestamp(rng, utc(str(text)))

    records = []
    for i, (load_test_id, starts, next_run, recurrence) in enumerate(SCHEDULES):
        rule = {**recurrence}
        deactivated = rule.pop("deactivated", False)
        schedule = rule.pop("cron", None)
        time_zone = rule.pop("time_zone", "UTC")
        if "until" in rule:
            rule["until"] = write_optional_time(rule["until"])
        records.append(
            {
                "id": 9_103 + 37 * i,
                "load_test_id": load_test_id,
                "starts": write_optional_time(starts),
                "recurrence_rule": rule or None,
                "cron": schedule and {"schedule": schedule, "time_zone": time_zone},
                "deactivated": deactivated,
                "next_run": write_optional_time(next_run),
                "created_by": rng.choice((None, "priya.nair@example.com", "jonas@example.com")),
            }
        )
    return records


def project_limits() -> list[Record]:
    """Return the limits of projects."""
    fields = (
        "project_id",
        "vuh_max_per_month",
        "vu_max_per_test",
        "vu_browser_max_per_test",
        "duration_max_per_test",
    )
    return [dict(zip(fields, limits, strict=True)) for limits in LIMITS]


def load_zones() -> list[Record]:
    """Return the load zones that the stack may use: public ones and its own."""
    fields = "id", "name", "k6_load_zone_id", "available", "public", "custom_load_runner_image"
    return [dict(zip(fields, zone, strict=True)) for zone in LOAD_ZONES]


def in_windows(test: LoadTest, time: datetime) -> bool:
    """Return whether a load test is in use at this time."""
    windows = [(utc(first), utc(last) + timedelta(days=1)) for first, last in test.windows]
    return not windows or any(first <= time < last for first, last in windows)
