"""v6: the test runs of the sample stack, written as the API does."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from sample_account.incidents import FAILED, Outcome
from sample_account.load_tests import LAUNCH, PRIVATE_ZONES, STACK_URL
from sample_account.response_formats import Record, utc, write_v6_timestamp
from sample_account.rhythms import OnDemand, upcoming_release
from sample_account.test_runs import Run

USERS = [
    f"{name}@example.com" for name in ("priya.nair", "jonas", "aoife", "tomasz.z", "mei", "femi")
]
NOTES = [
    "Compared with last week",
    "After the cache was resized",
    "Für Anne: Schwellen angepasst",
    'Known as "the big one", see the runbook:\nwarm the cache first',
    "10 % more users than last time",
    "Nie uruchamiać ponownie bez Tomasza",
]
K6_VERSIONS = [
    ("2024-01-01", "v0.48.0"),
    ("2024-07-01", "v0.52.0"),
    ("2025-01-15", "v0.56.0"),
    ("2025-06-01", "v1.0.0"),
    ("2026-02-01", "v1.5.0"),
]
RETENTION = timedelta(days=913)  # so that the oldest runs are about to be deleted

_CODES: dict[Outcome, int] = {"invalid": 1201, "no load zone": 3005, "script error": 4}
VUH_PER_BROWSER_VUH = 10
BREAKDOWN_SINCE = utc("2025-02-01")
"""Earlier costs have no fields about reductions."""


def _write_cost(rng: Random, value: float, form: str) -> int | float | str:
    """Write a number as a JSON number, a string, or a string with ten decimals."""
    if form == "mixed":
        form = rng.choice(("number", "string", "decimals"))
    if form == "decimals":
        return f"{value:.10f}" if value else "0E-10"
    number = int(value) if value == int(value) and rng.random() < 0.7 else value
    return str(number) if form == "string" else number


def _cost(rng: Random, run: Run) -> Record:
    """Return the cost of a run in VUh; for a run under way, an estimate from its planned time."""
    seconds = run.planned_seconds if run.is_under_way else run.executed_seconds
    hours = seconds / 3600
    # Ramping up and down takes a twentieth of the time each, so the average is 95% of the VUs.
    protocol = round((run.vus - run.test.browser_vus) * hours * 0.95, 4)
    browser = round(run.test.browser_vus * hours * VUH_PER_BROWSER_VUH * 0.95, 4)
    base = round(protocol + browser, 4)
    rates: dict[str, float] = {}
    if run.test.zone in PRIVATE_ZONES:
        rates["local_run"] = 25
    elif run.test.project_id == LAUNCH:
        rates["volume"] = 10
    if rates and run.created >= BREAKDOWN_SINCE:
        share = 1 - sum(rates.values()) / 100
        protocol, browser = round(protocol * share, 4), round(browser * share, 4)
    form = rng.choices(("number", "string", "decimals", "mixed"), cum_weights=(55, 75, 88, 100))[0]
    total = _write_cost(rng, round(protocol + browser, 4), form)
    if rng.random() < 0.01:
        return {"total_vuh": total, "breakdown": None}
    breakdown: Record = {
        "protocol_vuh": _write_cost(rng, protocol, form),
        "browser_vuh": _write_cost(rng, browser, form),
    }
    if run.created >= BREAKDOWN_SINCE:
        breakdown["base_total_vuh"] = _write_cost(rng, base, form)
        no_rate = rng.choice((None, 0, "0E-10"))
        breakdown["reduction_rate"] = (
            _write_cost(rng, sum(rates.values()), form) if rates else no_rate
        )
        breakdown["reduction_rate_breakdown"] = rates or None
    return {"total_vuh": total, "breakdown": breakdown}


def _status_details(run: Run, rng: Random) -> Record:
    entered = run.created if run.is_under_way else run.ended
    details: Record = {"type": run.status, "entered": write_v6_timestamp(rng, entered)}
    by_user, message, code = None, None, None
    if run.outcome == "aborted by user":
        by_user = rng.choice(USERS)
    elif run.outcome in ("invalid", "no load zone", "script error"):
        message, code = _reason(run), _CODES[run.outcome]
    elif run.status == "aborted":
        message, code = "The test was aborted because a threshold was crossed.", 8
    if by_user or message:
        details["extra"] = {"by_user": by_user, "message": message, "code": code}
    elif rng.random() < 0.1:
        details["extra"] = None
    return details


def _reason(run: Run) -> str:
    return {
        "slow": f"Thresholds crossed: http_req_duration p(95)<{run.test.threshold:.0f}",
        "http errors": "Thresholds crossed: http_req_failed rate<0.01",
        "no load zone": f"The load zone {run.test.zone} is not available.",
        "script error": "The script threw an exception: TypeError: token is undefined",
        "invalid": "Validation error.",
    }[run.outcome]


def _result(run: Run, rng: Random) -> tuple[str | None, Record | None]:
    if run.is_under_way or run.outcome == "aborted by user":
        return None, {} if rng.random() < 0.5 else None
    if run.outcome == "passed":
        draw = rng.random()
        if draw < 0.05:
            return "passed", {}
        return "passed", None if draw < 0.1 else {"type": "passed"}
    if run.outcome in FAILED:
        return "failed", {"type": "failed", "message": _reason(run)}
    details: Record = {"type": "error", "message": _reason(run), "code": _CODES[run.outcome]}
    return "error", details


def _note(run: Run, rng: Random) -> str:
    if not isinstance(run.test.rhythm, OnDemand):
        return ""
    release = upcoming_release(run.created)
    if release and rng.random() < 0.5:
        return f"Release {release}"
    return rng.choice(NOTES) if rng.random() < 0.1 else ""


def test_run_record(run: Run) -> Record:
    """Write a test run as the API does."""
    rng = Random(f"record of {run.id}")
    result, result_details = _result(run, rng)
    is_planned = run.outcome != "invalid" and run.status != "created"
    is_starred = result is not None and rng.random() < 0.012
    by_person = isinstance(run.test.rhythm, OnDemand) or run.status == "running"
    created, expiry = write_v6_timestamp(rng, run.created), run.created + RETENTION
    details = _status_details(run, rng)
    first_status: Record = {"type": "created", "entered": created}
    history = [details] if run.status == "created" else [first_status, details]
    version = [name for day, name in K6_VERSIONS if utc(day) <= run.created][-1]
    is_distributed = is_planned and rng.random() < 0.3
    record: Record = {
        "id": run.id,
        "test_id": run.test.id,
        "project_id": run.test.project_id,
        "started_by": rng.choice(USERS) if by_person and rng.random() < 0.7 else None,
        "created": created,
        "ended": None if run.is_under_way else write_v6_timestamp(rng, run.ended),
        "note": _note(run, rng),
        "retention_expiry": None if is_starred else write_v6_timestamp(rng, expiry),
        "cost": _cost(rng, run) if is_planned else None,
        "status": run.status,
        "status_details": details,
        "status_history": history,
        "distribution": [{"load_zone": run.test.zone, "percent": 100}] if is_distributed else None,
        "result": result,
        "result_details": result_details,
        "options": {"vus": run.vus} if is_planned and rng.random() < 0.1 else None,
        "k6_dependencies": {},
        "k6_versions": {"k6": version},
        "max_vus": run.vus if is_planned else None,
        "max_browser_vus": run.test.browser_vus if is_planned else None,
        "estimated_duration": run.planned_seconds if is_planned else None,
        "execution_duration": run.executed_seconds,
        "is_starred": is_starred,
    }
    if rng.random() < 0.02:  # documented only in the response to starting a run
        record["test_run_details_page_url"] = f"{STACK_URL}/a/k6-app/runs/{run.id}"
    return record
