"""Labels for metrics, queries and series, and values with their units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from k6frames.plots import labels

_MEASURE_COLUMNS = ["metric", "query"]
_QUERY_WORDS = {
    "histogram_avg": "average",
    "histogram_max": "maximum",
    "histogram_min": "minimum",
    "histogram_stddev": "standard deviation",
    "histogram_count_increase": "number",
    "increase": "sum",
    "increase_total": "number",
    "rate": "rate",
    "rate_total": "rate",
    "max_rate": "maximum rate",
    "cumrate": "average rate",
    "ratio": "ratio",
    "avg": "average",
    "max": "maximum",
    "min": "minimum",
    "last": "last value",
}
_RATES = {"rate", "rate_total", "max_rate", "cumrate"}

# The units of k6's built-in metrics are known. Custom metrics can have any unit.
_MILLISECONDS = re.compile(
    r"http_req_\w+|(iteration|group|ws_session|grpc_req|browser_http_req)_duration"
    r"|ws_(connecting|ping)|browser_web_vital_(fcp|fid|inp|lcp|ttfb)"
)
_BYTES = re.compile(r"data_(sent|received)|browser_data_(sent|received)")
_LABEL = re.compile(r'([^{},=]+)="((?:[^"\\]|\\.)*)"')


class Measure(NamedTuple):
    """What a query of a metric measures, such as "p95 of http_req_duration", and its unit.

    With the unit "%", values are shares: 0.05 is 5%.
    """

    title: str
    unit: str


def describe_measure(metric: str, query: str) -> Measure:
    """Describe what a query of a metric measures.

    Examples
    --------
    >>> describe_measure("http_req_duration", "histogram_quantile(0.95) by (name)")
    Measure(title='p95 of http_req_duration', unit='ms')
    >>> describe_measure("http_req_failed", "ratio").unit
    '%'
    """
    method = re.sub(r"\s+by\s*\(.*\)\s*$", "", query.strip())
    quantile = re.fullmatch(r"histogram_quantile\((0?\.\d+|[01])\)", method)
    words = f"p{float(quantile[1]) * 100:g}" if quantile else _QUERY_WORDS.get(method, method)
    title = labels.text_label(f"{words} of {metric}")
    # A metric may have a selector, such as http_req_duration{name="login"}.
    name = metric.partition("{")[0].strip()
    return Measure(title, _find_unit(name, method))


def _find_unit(name: str, method: str) -> str:
    if method == "ratio":
        return "%"
    if method in _RATES:
        return "bytes/s" if _BYTES.fullmatch(name) else "per second"
    if _BYTES.fullmatch(name):
        return "bytes"
    is_time = method.startswith("histogram_") and method != "histogram_count_increase"
    return "ms" if is_time and _MILLISECONDS.fullmatch(name) else ""


def format_value(value: float, unit: str) -> str:
    """Return a value with its unit.

    Examples
    --------
    >>> format_value(0.0213, "%"), format_value(1234.5, "ms"), format_value(7, "")
    ('2.13%', '1,234 ms', '7')
    """
    if unit == "%":
        return f"{labels.format_number(value * 100)}%"
    return f"{labels.format_number(value)} {unit}".strip()


def series_labels(series: Sequence[str]) -> list[str]:
    """Return the label values of series, or complete labels if the values are ambiguous.

    Examples
    --------
    >>> series_labels(['{name="login"}', '{name="search"}', ""])
    ['login', 'search', '']
    """
    values = [", ".join(value for _, value in _LABEL.findall(text)) or text for text in series]
    texts = values if len(set(values)) == len(set(series)) else series
    return [labels.text_label(text) for text in texts]


def common_measure(frame: pd.DataFrame) -> str | None:
    """Return what all rows of a frame measure, or None if they measure different things."""
    measures = describe_measures(frame.drop_duplicates(_MEASURE_COLUMNS))
    titles = {measure.title for measure in measures}
    return titles.pop() if len(titles) == 1 else None


def describe_measures(frame: pd.DataFrame) -> list[Measure]:
    """Describe what each row of a frame measures."""
    pairs = frame[_MEASURE_COLUMNS].itertuples(index=False, name=None)
    return [describe_measure(metric, query) for metric, query in pairs]
