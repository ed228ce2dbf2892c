"""`k6frames metrics`: how a metric changes from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from k6frames.cli.messages import InputError, pluralize, printable
from k6frames.cli.options import Account, RowOptions, account_options, examples, row_options
from k6frames.cli.output import list_rows
from k6frames.cli.selection import MAX_NAMED, find_load_tests, read_runs, stack_column

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.argument("load_test", metavar="LOAD_TEST...", nargs=-1, required=True)
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
    help="The aggregation, such as rate for a counter or ratio for a rate.",
)
@click.option(
    "--by", metavar="LABELS", help="One series per value of these labels, separated by commas."
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
    load_test: tuple[str, ...],
    metric: str,
    query: str,
    by: str | None,
    last: int,
    rows: RowOptions,
    account: Account,
) -> None:
    """Show how a metric changes from run to run.

    LOAD_TEST is an ID or a name; there may be several. The newest run of each is first, and
    `change` is relative to the previous run. Durations are in milliseconds. The default is the 95th
    percentile of the duration of HTTP requests.
    """
    import pandas as pd

    from k6frames.loaders.load_tests import load_tests_df
    from k6frames.loaders.metrics import metric_values_df

    labels = None if by is None else [label.strip() for label in by.split(",")]
    if labels is not None and not all(labels):
        raise InputError("--by must be labels, separated by commas, such as name,status.")
    with account.client() as client:
        load_tests = load_tests_df(client=client, on_error=account.on_error)
        ids = find_load_tests(load_tests, load_test)
        chosen = load_tests[load_tests["load_test_id"].isin(ids)]
        frames = [
            metric_values_df(
                group["load_test_id"],
                metric,
                query,
                by=labels,
                last=last,
                stack=int(stack_id),  # type: ignore[arg-type]
                client=client,
                on_error=account.on_error,
            ).assign(stack_id=stack_id)
            for stack_id, group in chosen.groupby("stack_id")
        ]
        values = pd.concat(frames, ignore_index=True)
        failed = {
            failure["load_test_id"] for frame in frames for failure in frame.attrs.get("failed", [])
        }
        _report_missing(chosen, values, failed, metric=metric, last=last)
        runs = read_runs(client, account, load_test=load_test)
        stack = stack_column(client)
    frame = _add_runs(values, runs)
    series = ["series"] if labels else []
    default = [*stack, *series, "value", "change", "result", "test_run_id"]
    # With one load test its name is always the same, so it is last.
    name = ["load_test_name"]
    default = [*name, *default] if len(chosen) > 1 else [*default, *name]
    list_rows(frame, rows, ["created", *default])


def _report_missing(
    load_tests: pd.DataFrame, values: pd.DataFrame, failed: set[int], *, metric: str, last: int
) -> None:
    """Print which load tests have no values; raise an error if none of them has any."""
    known = failed | set(values["load_test_id"])
    missing = load_tests[~load_tests["load_test_id"].isin(known)]
    if not len(missing):
        return
    names = ", ".join(
        f"{printable(name)} ({load_test_id})"
        for name, load_test_id in zip(
            missing["name"].fillna("").head(MAX_NAMED), missing["load_test_id"], strict=False
        )
    )
    if len(missing) > MAX_NAMED:
        names += f" and {len(missing) - MAX_NAMED:,} more"
    message = (
        f"No values of {printable(metric)} in the last {pluralize(last, 'test run')} of {names}. "
        "Either there were no test runs, or their data has expired: `k6frames test-runs "
        "--load-test ID` lists them."
    )
    if len(missing) == len(load_tests):
        raise click.ClickException(message)
    click.echo(f"Note: {message}", err=True)


def _add_runs(values: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add the time, result and load test of each run, and the change from run to run."""
    keys = ["stack_id", "load_test_id", "test_run_id"]
    columns = ["load_test_name", "created", "result"]
    frame = values.merge(runs[[*keys, *columns]], on=keys, how="left")
    frame = frame.sort_values(["created", "test_run_id"], kind="stable")
    measured = frame.dropna(subset="value")
    previous = measured.groupby(["stack_id", "load_test_id", "series"])["value"].shift()
    frame["change"] = measured["value"] / previous.where(previous != 0) - 1
    order = ["load_test_name", "load_test_id", "stack_id", "series", "created", "test_run_id"]
    frame = frame.sort_values(order, ascending=[True, True, True, True, False, False])
    leading = ["stack_id", "load_test_id", "load_test_name", "test_run_id", "created", "result"]
    return frame[[*leading, "metric", "query", "series", "value", "change"]]
