"""v3: the organizations and projects of the sample account, and of accounts of any size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple

from sample_account.response_formats import Record, to_json, write_v3_timestamp

END, DAY, MINUTE = datetime(2026, 7, 1), timedelta(days=1), timedelta(minutes=1)  # noqa: DTZ001
"""Random dates are drawn until this day, in UTC."""

Organization = tuple[Record, list[Record]]
"""An organization and its projects."""


class Draft(NamedTuple):
    """An organization of the sample account, and when its projects were created."""

    org_id: int
    name: str
    description: str | None
    country: str | None  # None: the billing fields are null
    created: str
    default_project: str | None
    bursts: dict[str, int]  # month: number of projects created within 60 days of its start
    project_names: list[str]  # the other projects have COMMON_NAMES


# fmt: off
DRAFTS = [
    Draft(1013, "Marmalade Parcel Works", "Parcels, in time for tea", "GB", "2016-02-09", "Default project",
         {"2016-03": 18, "2017-10": 4, "2019-01": 2, "2020-04": 23,
          "2021-10": 7, "2023-09": 21, "2025-02": 5, "2026-04": 11},
         ["Smoke tests", "checkout-api soak", "Black Friday {:%Y} rehearsal", "Depot move {:%Y}", "Launch day 🚀"]),
    Draft(4127, "Café Élan Réservations", "Équipe performance", "FR", "2016-09-13", "Projet par défaut",
         {"2016-10": 15, "2018-11": 4, "2022-01": 26, "2022-10": 5, "2025-09": 10},
         ["Smoke tests", "Réservation – montée en charge", "Rentrée {:%Y}", "Paiement à l'arrivée", "Soldes d'été"]),
    Draft(20958, "Moosgrün Fahrplan", "", "DE", "2017-05-22", "Default project",
         {"2017-06": 12, "2020-03": 6, "2021-02": 19, "2024-11": 7},
         ["Smoke tests", "Fahrplanauskunft Dauerlast", "Störungsmeldungen", "Fahrplanwechsel {:%Y}", "Größenprüfung"]),
    Draft(77310, "Сонний трамвай", "Навантажувальні тести", "UA", "2018-01-15", "Default project",
         {"2018-02": 13, "2019-03": 3, "2021-09": 14},
         ["Smoke tests", "Оплата квитків", "Пошук: пікове навантаження", "Тест на витривалість", "Розклад {:%Y}"]),
    Draft(153082, "月うさぎ時刻表", "時刻表サービスの負荷テスト", "JP", "2019-06-03", "デフォルトプロジェクト",
         {"2019-07": 9, "2021-05": 2, "2023-04": 12},
         ["決済APIの負荷テスト", "検索の耐久テスト", "年末ラッシュ {:%Y} リハーサル", "ログイン スパイクテスト"]),
    Draft(214467, "纸鹤天气", None, "SG", "2020-04-20", "Default project", {"2020-05": 11, "2024-06": 5},
         ["登录压力测试", "天气接口 基准测试", "台风季 {:%Y} 预演", "支付回调", "Smoke tests"]),
    Draft(305561, "구름다리 배달", 'Motto: "slow is smooth",\nand smooth delivers', "KR", "2021-02-16",
         "Default project", {"2021-03": 8, "2025-10": 3},
         ["주문 API 부하 테스트", "로그인 스파이크", "점심 피크 재현", "결제 내구 테스트"]),
    Draft(388904, "Ηλιόλουστα Εισιτήρια", "", "GR", "2022-01-24", "Default project", {"2022-02": 8},
         ["Κράτηση θέσεων – φόρτος", "Σύνδεση χρηστών", "Καλοκαίρι {:%Y}", "Αναζήτηση παραστάσεων"]),
    Draft(441276, "فانوس للحجوزات", None, "JO", "2023-10-30", "Default project", {"2023-11": 4},
         ["اختبار تحمل الحجز", "بوابة الدفع", "تسجيل الدخول", "Smoke tests"]),
    Draft(502833, "תחזית הלימון", "Forecasts for lemon growers", None, "2024-07-08", "Default project", {"2024-08": 2},
         ["חיפוש – בדיקת עומס", "Login spike test"]),
    Draft(618240, "Solo sandbox", None, None, "2025-03-19", "Default project", {}, []),
    Draft(699871, "Nový tým (zkušební)", "Just started", "CZ", "2026-06-02", None, {}, []),
]
SYSTEMS = ["cart-service", "Login", "GraphQL gateway", "search-service", "Payment webhooks", "Mobile backend",
           "image-resizer", "WebSocket chat", "gRPC inventory", "Event queue", "CDN edge cache", "Sign-up funnel"]
KINDS = ["soak", "spike test", "load test", "stress", "breakpoint", "smoke", "baseline", "regression", "v2",
         "nightly", "(old)", "2x capacity", "staging", "migration {:%Y}", ""]
DESCRIPTIONS = [*9 * [None], *3 * [""], *3 * ["Runs nightly from CI"], *2 * ["Owned by the platform team"],
                "Thresholds: p95 < 400 ms, errors < 1 %", "Kept for comparison", "1000 virtual users, 30 minutes",
                'Known as "the big one", see the runbook:\nwarm the cache first']
FIRST_NAMES = ["Amber Otter", "Brisk Heron", "Calm Badger", "Dusky Lynx", "Fierce Wren", "Große Eule", "静かな狐"]
TRADES = ["Ferries", "Bakery", "Library", "Timetables", "Weather", "Tickets", "Gardens", "Éditions"]
# fmt: on
COMMON_NAMES = [f"{system} {kind}".strip() for system in SYSTEMS for kind in KINDS]
ALL_NAMES = COMMON_NAMES + [name for draft in DRAFTS for name in draft.project_names]


def _dates(rng: Random, created: datetime) -> tuple[str, str | None]:
    """Return the times of creation and last update: never, unknown, recently, or soon after."""
    created_text, draw = write_v3_timestamp(rng, created), rng.random()
    if draw <= 0.03:
        return created_text, None
    if draw < 0.15:
        return created_text, created_text
    earliest = created + MINUTE  # as digits are truncated, an earlier update could precede it
    if draw > 0.88:
        earliest = max(earliest, END - 40 * DAY)
    updated = earliest + (END - MINUTE - earliest) * rng.random() ** 3
    return created_text, write_v3_timestamp(rng, updated)


def _organization(
    rng: Random,
    org_id: int,
    name: str,
    description: str | None,
    country: str | None,
    created_at: datetime,
) -> Record:
    created, updated = _dates(rng, created_at)
    return {
        "id": org_id,
        "name": name,
        "owner_id": rng.randrange(1_000, 900_000),
        "description": description,
        "billing_address": country and f"{org_id % 97 + 1} Example Street, Sampleton",
        "billing_country": country,
        "billing_email": f"billing+{org_id}@example.com" if org_id % 5 else None,
        "vat_number": country and f"{country}-INVENTED-{org_id:06}",
        "created": created,
        "updated": updated,
        "is_default": org_id == 1013,
    }


def _project(
    rng: Random,
    project_id: int,
    name: str,
    org_id: int,
    created_at: datetime,
    *,
    is_default: bool,
) -> Record:
    created, updated = _dates(rng, created_at)
    return {
        "id": project_id,
        "name": name,
        "description": rng.choice(DESCRIPTIONS),
        "organization_id": org_id,
        "created": created,
        "updated": updated,
        "is_default": is_default,
    }


def sample_organizations() -> list[Organization]:
    """Return the twelve organizations and 300 projects of the sample account."""
    rng = Random(6)
    created = {
        draft.org_id: datetime.fromisoformat(draft.created) + DAY * rng.random() for draft in DRAFTS
    }
    rows = [
        (created[draft.org_id] + MINUTE, draft.org_id, draft.default_project, True)
        for draft in DRAFTS
        if draft.default_project
    ]
    for draft in DRAFTS:
        size = sum(draft.bursts.values())
        names = (draft.project_names + rng.sample(COMMON_NAMES, size))[:size]
        rng.shuffle(names)
        for month, burst in draft.bursts.items():
            for _ in range(burst):
                time = datetime.fromisoformat(f"{month}-01") + 60 * DAY * rng.random() ** 2
                rows.append((time, draft.org_id, names.pop().format(time), False))
    projects: dict[int, list[Record]] = {draft.org_id: [] for draft in DRAFTS}
    ids = accumulate(rng.randrange(50, 24_000) for _ in rows)
    for project_id, (time, org_id, name, is_default) in zip(ids, sorted(rows), strict=True):
        record = _project(rng, project_id, name, org_id, time, is_default=is_default)
        projects[org_id].append(record)
    projects[1013][2]["created"] = None  # so that the sample has a project without a date
    return [
        (_organization(rng, *draft[:4], created[draft.org_id]), projects[draft.org_id])
        for draft in DRAFTS
    ]


def random_organizations(organizations: int, projects: int, *, seed: int) -> Iterator[Organization]:
    """Return organizations one by one: a few have many projects, most have few.

    Parameters
    ----------
    organizations, projects : int
        The total number of each.
    seed : int
        The same seed makes the same account.
    """
    if projects and not organizations:
        raise ValueError("projects need an organization")
    rng = Random(seed)
    shares = [rank**-0.8 for rank in range(1, organizations + 1)]
    rng.shuffle(shares)
    ends = list(accumulate(shares, initial=0.0))
    bounds = [round(projects * end / (ends[-1] or 1)) for end in ends]
    for i, (start, stop) in enumerate(pairwise(bounds)):
        org_id = 1013 + 13 * i
        name = f"{rng.choice(FIRST_NAMES)} {rng.choice(TRADES)} {i + 1}"
        created = END - DAY * (30 + 3700 * rng.random())
        age = END - DAY - created
        records: list[Record] = []
        for n in range(start, stop):
            is_first = n == start
            time = created + MINUTE + age * (0 if is_first else rng.random() ** 2)
            title = "Default project" if is_first else rng.choice(ALL_NAMES).format(time)
            record = _project(rng, 10_007 + 7 * n, title, org_id, time, is_default=is_first)
            records.append(record)
        description = rng.choice(DESCRIPTIONS)
        yield _organization(rng, org_id, name, description, "GB", created), records


def response_bodies(organizations: Iterable[Organization]) -> dict[str, bytes]:
    """Return the response bodies by path, such as ``/v3/organizations``."""
    rows = []
    bodies = {"/v3/organizations": b""}  # the first path; its body follows
    for row, projects in organizations:
        rows.append(row)
        bodies[f"/v3/organizations/{row['id']}"] = _body("organization", row)
        bodies[f"/v3/organizations/{row['id']}/projects"] = _body("projects", projects)
    bodies["/v3/organizations"] = _body("organizations", rows)
    return bodies


def _body(field: str, value: object) -> bytes:
    return to_json({field: value}).encode()
