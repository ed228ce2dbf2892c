"""Make the invented account in ``data/samples``, and invented accounts of any size.

Organizations, addresses, VAT numbers, projects: all of it is made up. From the repository::

    python data/make_samples.py                                   # rewrites data/samples
    python data/make_samples.py FOLDER --organizations 500 --projects 20000 --seed 6
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

TODAY = "2026-07-01"  # everything was created and updated before this day began, in UTC
NOW, DAY, MINUTE = datetime.fromisoformat(TODAY), timedelta(days=1), timedelta(minutes=1)

Row = dict[str, object]


class Team(NamedTuple):
    """An organization of the sample account, and how its projects came to be."""

    org_id: int
    name: str
    description: str | None
    country: str | None  # None: the billing fields are null
    since: str
    default: str | None  # the name of the default project
    bursts: dict[str, int]  # month: how many projects were made within 60 days from its start
    names: list[str]  # of its own; names made of THINGS and TESTS fill up the bursts


# fmt: off
TEAMS = [
    Team(1013, "Marmalade Parcel Works", "Parcels, in time for tea", "GB", "2016-02-09", "Default project",
         {"2016-03": 18, "2017-10": 4, "2019-01": 2, "2020-04": 23,
          "2021-10": 7, "2023-09": 21, "2025-02": 5, "2026-04": 11},
         ["Smoke tests", "checkout-api soak", "Black Friday {:%Y} rehearsal", "Depot move {:%Y}", "Launch day 🚀"]),
    Team(4127, "Café Élan Réservations", "Équipe performance", "FR", "2016-09-13", "Projet par défaut",
         {"2016-10": 15, "2018-11": 4, "2022-01": 26, "2022-10": 5, "2025-09": 10},
         ["Smoke tests", "Réservation – montée en charge", "Rentrée {:%Y}", "Paiement à l'arrivée", "Soldes d'été"]),
    Team(20958, "Moosgrün Fahrplan", "", "DE", "2017-05-22", "Default project",
         {"2017-06": 12, "2020-03": 6, "2021-02": 19, "2024-11": 7},
         ["Smoke tests", "Fahrplanauskunft Dauerlast", "Störungsmeldungen", "Fahrplanwechsel {:%Y}", "Größenprüfung"]),
    Team(77310, "Сонний трамвай", "Навантажувальні тести", "UA", "2018-01-15", "Default project",
         {"2018-02": 13, "2019-03": 3, "2021-09": 14},
         ["Smoke tests", "Оплата квитків", "Пошук: пікове навантаження", "Тест на витривалість", "Розклад {:%Y}"]),
    Team(153082, "月うさぎ時刻表", "時刻表サービスの負荷テスト", "JP", "2019-06-03", "デフォルトプロジェクト",
         {"2019-07": 9, "2021-05": 2, "2023-04": 12},
         ["決済APIの負荷テスト", "検索の耐久テスト", "年末ラッシュ {:%Y} リハーサル", "ログイン スパイクテスト"]),
    Team(214467, "纸鹤天气", None, "SG", "2020-04-20", "Default project", {"2020-05": 11, "2024-06": 5},
         ["登录压力测试", "天气接口 基准测试", "台风季 {:%Y} 预演", "支付回调", "Smoke tests"]),
    Team(305561, "구름다리 배달", 'Motto: "slow is smooth",\nand smooth delivers', "KR", "2021-02-16",
         "Default project", {"2021-03": 8, "2025-10": 3},
         ["주문 API 부하 테스트", "로그인 스파이크", "점심 피크 재현", "결제 내구 테스트"]),
    Team(388904, "Ηλιόλουστα Εισιτήρια", "", "GR", "2022-01-24", "Default project", {"2022-02": 8},
         ["Κράτηση θέσεων – φόρτος", "Σύνδεση χρηστών", "Καλοκαίρι {:%Y}", "Αναζήτηση παραστάσεων"]),
    Team(441276, "فانوس للحجوزات", None, "JO", "2023-10-30", "Default project", {"2023-11": 4},
         ["اختبار تحمل الحجز", "بوابة الدفع", "تسجيل الدخول", "Smoke tests"]),
    Team(502833, "תחזית הלימון", "Forecasts for lemon growers", None, "2024-07-08", "Default project", {"2024-08": 2},
         ["חיפוש – בדיקת עומס", "Login spike test"]),
    Team(618240, "Solo sandbox", None, None, "2025-03-19", "Default project", {}, []),
    Team(699871, "Nový tým (zkušební)", "Just started", "CZ", "2026-06-02", None, {}, []),
]
THINGS = ["cart-service", "Login", "GraphQL gateway", "search-service", "Payment webhooks", "Mobile backend",
          "image-resizer", "WebSocket chat", "gRPC inventory", "Event queue", "CDN edge cache", "Sign-up funnel"]
TESTS = ["soak", "spike test", "load test", "stress", "breakpoint", "smoke", "baseline", "regression", "v2",
         "nightly", "(old)", "2x capacity", "staging", "migration {:%Y}", ""]
DESCRIPTIONS = [*9 * [None], *3 * [""], *3 * ["Runs nightly from CI"], *2 * ["Owned by the platform team"],
                "Thresholds: p95 < 400 ms, errors < 1 %", "Kept for comparison", "1000 virtual users, 30 minutes",
                'Known as "the big one", see the runbook:\nwarm the cache first']
NAMES = ["Amber Otter", "Brisk Heron", "Calm Badger", "Dusky Lynx", "Fierce Wren", "Große Eule", "静かな狐"]
TRADES = ["Ferries", "Bakery", "Library", "Timetables", "Weather", "Tickets", "Gardens", "Éditions"]
# fmt: on
GENERAL = [f"{thing} {test}".strip() for thing in THINGS for test in TESTS]
ALL = GENERAL + [name for team in TEAMS for name in team.names]


def _stamp(rng: Random, moment: datetime) -> str:
    """Write a moment in one of the forms seen in the API, cutting off digits."""
    t = moment.isoformat(timespec="microseconds")
    seconds, millis, spaced = t[:19], t[:23], t.replace("T", " ")
    zulu = f"{seconds}Z", f"{t}Z", f"{millis}Z", f"{t[:22]}Z"
    others = seconds, millis, f"{spaced}+00:00", f"{seconds}+00:00"
    return rng.choices(zulu + others, cum_weights=(60, 72, 79, 83, 88, 92, 96, 100))[0]


def _dates(rng: Random, created: datetime) -> tuple[str, str | None]:
    """Write when something was made and updated: never, unknown, lately, or soon after."""
    first, fate = _stamp(rng, created), rng.random()
    if fate < 0.15:
        return first, first if fate > 0.03 else None
    earliest = created + MINUTE  # or cutting off digits could put the update before the making
    if fate > 0.88:
        earliest = max(earliest, NOW - 40 * DAY)
    return first, _stamp(rng, earliest + (NOW - MINUTE - earliest) * rng.random() ** 3)


def _organization(
    rng: Random, org_id: int, name: str, note: str | None, country: str | None, since: datetime
) -> Row:
    created, updated = _dates(rng, since)
    return {
        "id": org_id,
        "name": name,
        "owner_id": rng.randrange(1_000, 900_000),
        "description": note,
        "billing_address": country and f"{org_id % 97 + 1} Example Street, Sampleton",
        "billing_country": country,
        "billing_email": f"billing+{org_id}@example.com" if org_id % 5 else None,
        "vat_number": country and f"{country}-INVENTED-{org_id:06}",
        "created": created,
        "updated": updated,
        "is_default": org_id == 1013,
    }


def _project(
    rng: Random, project_id: int, name: str, org_id: int, since: datetime, *, is_default: bool
) -> Row:
    created, updated = _dates(rng, since)
    return {
        "id": project_id,
        "name": name,
        "description": rng.choice(DESCRIPTIONS),
        "organization_id": org_id,
        "created": created,
        "updated": updated,
        "is_default": is_default,
    }


def _body(envelope: str, value: object) -> bytes:
    return json.dumps({envelope: value}, ensure_ascii=False, separators=(",", ":")).encode()


def _bodies(organizations: Iterable[tuple[Row, list[Row]]]) -> dict[str, bytes]:
    rows = []
    bodies = {"/v3/organizations": b""}  # stands first, known last
    for row, projects in organizations:
        rows.append(row)
        bodies[f"/v3/organizations/{row['id']}"] = _body("organization", row)
        bodies[f"/v3/organizations/{row['id']}/projects"] = _body("projects", projects)
    bodies["/v3/organizations"] = _body("organizations", rows)
    return bodies


def sample() -> dict[str, bytes]:
    """Make the account that is committed in ``data/samples``.

    Returns
    -------
    dict of str to bytes
        Each URL path, such as ``"/v3/organizations"``, with its response body.
    """
    rng = Random(6)
    since = {t.org_id: datetime.fromisoformat(t.since) + DAY * rng.random() for t in TEAMS}
    made = [(since[t.org_id] + MINUTE, t.org_id, t.default, True) for t in TEAMS if t.default]
    for team in TEAMS:
        size = sum(team.bursts.values())
        names = (team.names + rng.sample(GENERAL, size))[:size]
        rng.shuffle(names)
        for month, burst in team.bursts.items():
            for _ in range(burst):
                moment = datetime.fromisoformat(f"{month}-01") + 60 * DAY * rng.random() ** 2
                made.append((moment, team.org_id, names.pop().format(moment), False))
    projects: dict[int, list[Row]] = {team.org_id: [] for team in TEAMS}
    ids = accumulate(rng.randrange(50, 24_000) for _ in made)
    for project_id, (moment, org_id, name, is_default) in zip(ids, sorted(made), strict=True):
        row = _project(rng, project_id, name, org_id, moment, is_default=is_default)
        projects[org_id].append(row)
    projects[1013][2]["created"] = None
    return _bodies((_organization(rng, *t[:4], since[t.org_id]), projects[t.org_id]) for t in TEAMS)


def _made(rng: Random, bounds: list[int]) -> Iterator[tuple[Row, list[Row]]]:
    """Make organizations one by one, each with the projects between two bounds."""
    for i, (start, stop) in enumerate(pairwise(bounds)):
        org_id, name = 1013 + 13 * i, f"{rng.choice(NAMES)} {rng.choice(TRADES)} {i + 1}"
        since = NOW - DAY * (30 + 3700 * rng.random())
        left = NOW - DAY - since
        projects: list[Row] = []
        for n in range(start, stop):
            first = n == start
            moment = since + MINUTE + left * (0 if first else rng.random() ** 2)
            plan = "Default project" if first else rng.choice(ALL).format(moment)
            row = _project(rng, 10_007 + 7 * n, plan, org_id, moment, is_default=first)
            projects.append(row)
        note = rng.choice(DESCRIPTIONS)
        yield _organization(rng, org_id, name, note, "GB", since), projects


def account(organizations: int, projects: int, *, seed: int = 6) -> dict[str, bytes]:
    """Make an account of any size: a few organizations have many projects, most have few.

    Parameters
    ----------
    organizations, projects : int
        How many of each there are in all.
    seed : int, default 6
        The same seed makes the same account.

    Returns
    -------
    dict of str to bytes
        Each URL path, such as ``"/v3/organizations"``, with its response body.
    """
    if projects and not organizations:
        raise ValueError("projects need an organization")
    rng = Random(seed)
    shares = [rank**-0.8 for rank in range(1, organizations + 1)]
    rng.shuffle(shares)
    ends = list(accumulate(shares, initial=0.0))
    bounds = [round(projects * end / (ends[-1] or 1)) for end in ends]
    return _bodies(_made(rng, bounds))


def write(bodies: dict[str, bytes], folder: Path) -> None:
    """Write each body, indented, to the file that its URL path names below a folder.

    Parameters
    ----------
    bodies : dict of str to bytes
        What `sample` or `account` returned.
    folder : Path
        Made if need be. Files of the same names are overwritten, others stay.
    """
    for path, body in bodies.items():
        file = folder / f"{path.removeprefix('/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        file.write_bytes(f"{text}\n".encode())


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
        write(account(*sizes, seed=args.seed), args.folder)
    elif args.folder is None and sizes == (None, None):
        write(sample(), Path(__file__).parent / "samples")
    else:
        parser.error("FOLDER, --organizations and --projects go together")


if __name__ == "__main__":
    main()
