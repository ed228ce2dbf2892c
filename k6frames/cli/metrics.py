"""`k6frames metrics`: how a metric changes from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from k6frames.cli.messages import InputError, printable, the_last
from k6frames.cli.options import AccountOptions, RowOptions, account_options, examples, row_options
from k6frames.cli.output import list_rows
from k6frames.cli.selection import MAX_NAMED, find_load_tests, read_runs, stack_columns

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.api.client import Client
    from k6frames.api.on_error import OnError


@click.command()
@click.argument("wanted_load_tests", metavar="LOAD_TEST...", nargs=-1, required=True)
@click.option(
    "--metric",
    default="http_req_duration",
    show_default=True,
    help='The metric, optionally with a selector such as http_reqs{status!="0"}.',
)
@click.option(
    "--query",
    default="histogram_quantile(0.95)",
    show_default=True,
    help="The aggregation, such as `rate` for a metric of type counter.",
)
@click.option(
    "--by",
    metavar="LABELS",
    help="Group by these labels, separated by commas: one series for each combination of values.",
)
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=30,
    show_default=True,
    help="Read the newest N test runs of each load test.",
)
@row_options()
@account_options()
@examples(
    "k6frames metrics 735140",
    "k6frames metrics 735140 801312 --last 10",
    'k6frames metrics "card payment" --metric http_reqs --query rate',
    "k6frames metrics 735140 --by name --csv trend.csv",
)
def metrics(
    wanted_load_tests: tuple[str, ...],
    metric: str,
    query: str,
    by: str | None,
    last: int,
    rows: RowOptions,
    account: AccountOptions,
) -> None:
    """Show how a metric changes from run to run.

    LOAD_TEST is an ID or a name; several are allowed. The newest run of each is first, and `change`
    is relative to the previous run with a value. Durations are in milliseconds. The default is the
    95th percentile of the duration of HTTP requests.
    """
    from k6frames.loaders.load_tests import load_tests_df

    labels = _parse_labels(by)
    with account.open_client() as client:
        load_tests = load_tests_df(client=client, on_error=account.on_error)
        ids = find_load_tests(load_tests, wanted_load_tests)
        load_tests = load_tests[load_tests["load_test_id"].isin(ids)]
        values, failed_ids = _read_values(
            client, load_tests, metric, query, by=labels, last=last, on_error=account.on_error
        )
        has_values = load_tests["load_test_id"].isin(values["load_test_id"])
        has_failed = load_tests["load_test_id"].isin(failed_ids)
        without_values = load_tests[~(has_values | has_failed)]
        if len(without_values):
            _report_missing(
                without_values, metric, last, is_error=len(without_values) == len(load_tests)
            )
        runs = read_runs(client, account, wanted_load_tests=wanted_load_tests)
        stack_column_names = stack_columns(client, account)
    series = ["series"] if labels else []
    default = [*stack_column_names, *series, "value", "change", "result", "test_run_id"]
    # The name of a single load test is the same in all rows, so it is last.
    if len(load_tests) > 1:
        default = ["load_test_name", *default]
    else:
        default = [*default, "load_test_name"]
    list_rows(_add_runs(values, runs), rows, ["created", *default])


def _parse_labels(by: str | None) -> list[str] | None:
    if by is None:
        return None
    labels = [label.strip() for label in by.split(",")]
    if not all(labels):
        raise InputError("--by must be labels, separated by commas, such as name,status.")
    return labels


def _read_values(
    client: Client,
    load_tests: pd.DataFrame,
    metric: str,
    query: str,
    *,
    by: list[str] | None,
    last: int,
    on_error: OnError,
) -> tuple[pd.DataFrame, set[int]]:
    """Return the value of each run, and the IDs of the load tests that cannot be read."""
    import pandas as pd

    from k6frames.loaders.metrics import metric_values_df

    frames = [
        metric_values_df(
            stack_load_tests["load_test_id"],
            metric,
            query,
            by=by,
            last=last,
            stack=int(stack_id),  # type: ignore[arg-type]
            client=client,
            on_error=on_error,
        ).assign(stack_id=stack_id)
        for stack_id, stack_load_tests in load_tests.groupby("stack_id")
    ]
    failures = [failure for frame in frames for failure in frame.attrs.get("failed", [])]
    failed_ids = {failure["load_test_id"] for failure in failures}
    return pd.concat(frames, ignore_index=True), failed_ids


def _report_missing(load_tests: pd.DataFrame, metric: str, last: int, *, is_error: bool) -> None:
    """Print which load tests have no values, or raise an error that names them."""
    listed = load_tests.head(MAX_NAMED)
    names = ", ".join(
        f"{printable(name)} ({load_test_id})"
        for name, load_test_id in zip(
            listed["name"].fillna(""), listed["load_test_id"], strict=True
        )
    )
    if len(load_tests) > MAX_NAMED:
        names += f" and {len(load_tests) - MAX_NAMED:,} more"
    message = (
        f"No values of {printable(metric)} in {the_last(last, 'test run')} of {names}. "
        "Either there were no test runs, or their data has expired: `k6frames test-runs "
        "--load-test ID` lists the runs."
    )
    if is_error:
        raise click.ClickException(message)
    click.echo(f"Note: {message}", err=True)


def _add_runs(values: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add the time, result and load test of each run, and the change from run to run."""
    keys = ["stack_id", "load_test_id", "test_run_id"]
    columns = ["load_test_name", "created", "result"]
    frame = values.merge(runs[[*keys, *columns]], on=keys, how="left")
    frame = frame.sort_values(["created", "test_run_id"], kind="stable")
    # Compare each value with the previous one, skipping runs without a value. The change is missing
    # if the previous value is 0, and, because pandas assigns by index, for runs without a value.
    measured = frame.dropna(subset="value")
    previous = measured.groupby(["stack_id", "load_test_id", "series"])["value"].shift()
    frame["change"] = measured["value"] / previous.where(previous != 0) - 1
    order = ["load_test_name", "load_test_id", "stack_id", "series", "created", "test_run_id"]
    frame = frame.sort_values(order, ascending=[True, True, True, True, False, False])
    leading = ["stack_id", "load_test_id", "load_test_name", "test_run_id", "created", "result"]
    return frame[[*leading, "metric", "query", "series", "value", "change"]]
