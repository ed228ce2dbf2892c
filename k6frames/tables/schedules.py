"""Schedules of load tests (v6), and their next runs."""

from __future__ import annotations

from k6frames.tables.schema import BOOL, INT, STRING, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import LOAD_TEST_ID, LOAD_TEST_NAME, PROJECT_ID, STACK_ID

SCHEDULES = Table(
    name="schedules",
    doc="a schedule of a load test",
    key=("stack_id", "schedule_id"),
    function="schedules_df()",
    columns=(
        STACK_ID,
        Column("schedule_id", INT, "schedule ID", "id", nullable=False),
        Column("load_test_id", INT, "ID of its load test", "load_test_id"),
        Column("starts", TIMESTAMP, "when the schedule starts", "starts"),
        Column("next_run", TIMESTAMP, "when it runs next; missing if never", "next_run"),
        Column("deactivated", BOOL, "whether it is deactivated", "deactivated"),
        Column(
            "frequency",
            STRING,
            "HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY; missing if it uses cron or runs once",
            "recurrence_rule.frequency",
        ),
        Column(
            "interval",
            INT,
            "hours, days, weeks, months or years (see `frequency`) from one run to the next",
            "recurrence_rule.interval",
        ),
        Column(
            "weekdays",
            STRING,
            "weekdays of a weekly schedule, such as SA,SU",
            "recurrence_rule.byday",
            string_list=True,
        ),
        Column("until", TIMESTAMP, "when the recurrence ends", "recurrence_rule.until"),
        Column("count", INT, "number of runs after which it ends", "recurrence_rule.count"),
        Column("cron", STRING, "cron expression", "cron.schedule"),
        Column("cron_time_zone", STRING, "time zone of the cron expression", "cron.time_zone"),
        Column("created_by", STRING, "e-mail address of its creator", "created_by", private=True),
    ),
)

SCHEDULED_RUNS = Table(
    name="scheduled_runs",
    doc="an active schedule, earliest next run first",
    key=("stack_id", "schedule_id"),
    function="scheduled_runs(schedules, load_tests)",
    columns=(
        STACK_ID,
        Column("schedule_id", INT, "schedule ID", nullable=False),
        LOAD_TEST_ID,
        LOAD_TEST_NAME,
        PROJECT_ID,
        Column("next_run", TIMESTAMP, "when it runs next", nullable=False),
        Column("recurrence", STRING, "how often, in words or as cron", nullable=False),
        Column("until", TIMESTAMP, "when the recurrence ends"),
        Column("count", INT, "number of runs after which it ends"),
    ),
)
