"""The command that shows how a metric changes from run to run."""

from __future__ import annotations

import click

from k6frames.cli.options import Account, RowOptions, account_options, examples, row_options
from k6frames.cli.output import list_rows


@click.command()
@click.argument("load_test", metavar="LOAD_TEST")
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
@account_options(on_error=False)
@examples(
    "k6frames metrics 735140",
    'k6frames metrics "card payment" --metric http_reqs --query rate --last 10',
    "k6frames metrics 735140 --by name --csv trend.csv",
)
def metrics(
    load_test: str,
    metric: str,
    query: str,
    by: str | None,
    last: int,
    rows: RowOptions,
    account: Account,
) -> None:
    """Show how a metric changes from run to run.

    LOAD_TEST is an ID or a name. The oldest run is first. Durations are in milliseconds. Without
    other options it is the 95th percentile of the duration of HTTP requests.
    """
    from k6frames.cli.selection import find_load_tests
    from k6frames.loaders.load_tests import load_tests_df
    from k6frames.loaders.metrics import metric_values_df
    from k6frames.loaders.test_runs import test_runs_df

    labels = None if by is None else [label.strip() for label in by.split(",")]
    with account.client() as client:
        load_tests = load_tests_df(client=client)
        (load_test_id,) = find_load_tests(load_tests, [load_test])
        found = load_tests[load_tests["load_test_id"] == load_test_id]
        stack = int(found["stack_id"].iloc[0])
        values = metric_values_df(
            load_test_id, metric, query, by=labels, last=last, stack=stack, client=client
        )
        runs = test_runs_df(load_test_ids=load_test_id, stack=stack, client=client)
    frame = values.merge(
        runs[["test_run_id", "created", "result"]], on="test_run_id", how="left"
    ).sort_values(["created", "test_run_id", "series"], kind="stable")
    order = ["test_run_id", "created", "result", "series", "value"]
    frame = frame[[*order, "load_test_id", "metric", "query"]]
    list_rows(frame, rows, [name for name in order if name != "series" or labels])
