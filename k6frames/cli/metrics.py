"""The command that shows how a metric changes from run to run."""

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
    help='The metric, perhaps with a selector such as http_reqs{status!="0"}.',
)
@click.option(
    "--query",
    default="histogram_quantile(0.95)",
    show_default=True,
    help="What to compute, such as rate for a counter or ratio for a rate.",
)
@click.option("--by", metavar="LABELS", help="One series for each value of these labels.")
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=30,
    show_default=True,
    help="How many of the newest test runs.",
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
    `change` is since the run before. Durations are in milliseconds. Without other options it is the
    95th percentile of the duration of HTTP requests.
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
        parts = [
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
        values = pd.concat(parts, ignore_index=True)
        failed = {entry["load_test_id"] for part in parts for entry in part.attrs.get("failed", [])}
        _report_missing(chosen, values, failed, metric=metric, last=last)
        runs = read_runs(client, account, load_test=load_test)
        stack = stack_column(client)
    frame = _add_runs(values, runs)
    series = ["series"] if labels else []
    default = [*stack, *series, "value", "change", "result", "test_run_id"]
    name_at = 0 if len(chosen) > 1 else len(default)
    default.insert(name_at, "load_test_name")
    list_rows(frame, rows, ["created", *default])


def _report_missing(
    load_tests: pd.DataFrame, values: pd.DataFrame, failed: set[int], *, metric: str, last: int
) -> None:
    """Name the load tests without values, which is an error if none has any."""
    found = failed | set(values["load_test_id"])
    missing = load_tests[~load_tests["load_test_id"].isin(found)]
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
    """Add time, result and names of the runs, and the change from run to run; newest first."""
    keys = ["stack_id", "load_test_id", "test_run_id"]
    columns = ["load_test_name", "created", "result"]
    frame = values.merge(runs[[*keys, *columns]], on=keys, how="left")
    frame = frame.sort_values(["created", "test_run_id"], kind="stable")
    measured = frame.dropna(subset="value")
    before = measured.groupby(["stack_id", "load_test_id", "series"])["value"].shift()
    frame["change"] = measured["value"] / before.where(before != 0) - 1
    order = ["load_test_name", "load_test_id", "stack_id", "series", "created", "test_run_id"]
    frame = frame.sort_values(order, ascending=[True, True, True, True, False, False])
    leading = ["stack_id", "load_test_id", "load_test_name", "test_run_id", "created", "result"]
    return frame[[*leading, "metric", "query", "series", "value", "change"]]
