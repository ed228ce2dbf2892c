"""Schedules of the load tests of Grafana stacks (v6)."""

from __future__ import annotations

import pandas as pd

from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.on_error import OnError
from k6frames.api.stack_arguments import StackArgument
from k6frames.loaders.stack_lists import load_stack_list
from k6frames.tables import SCHEDULES
from k6frames.tables.schema import returns


@returns(SCHEDULES)
def schedules_df(
    *, stack: StackArgument = None, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the schedules of load tests, including deactivated and expired ones.

    Parameters
    ----------
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack cannot be read. With "warn", it is left out, a warning names it, and
        ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per schedule. A schedule with neither `frequency` nor `cron` runs once.

    Raises
    ------
    ConfigError
        If no token or no stack is found.
    APIError
        If the API gives no usable response, or the list changed each time it was read.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/schedules``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> schedules = k6frames.schedules_df(client=k6frames.Client.sample())
    >>> "WEEKLY" in set(schedules["frequency"].dropna())
    True
    """
    schedules = load_stack_list(
        SCHEDULES, endpoints.SCHEDULES, client=client, stack=stack, on_error=on_error
    )
    # The API omits the interval if it is 1.
    is_default = schedules["frequency"].notna() & schedules["interval"].isna()
    schedules.loc[is_default, "interval"] = 1
    return schedules
