"""Labels for metrics, queries and series, and values with their units."""

from __future__ import annotations

import pytest

from k6frames.plots.metric_labels import describe_measure, format_value, series_labels


@pytest.mark.parametrize(
    ("metric", "query", "title", "unit"),
    [
        ("http_req_duration", "histogram_quantile(0.95)", "p95 of http_req_duration", "ms"),
        ("ws_ping", "histogram_quantile(0.999) by (name)", "p99.9 of ws_ping", "ms"),
        ('http_reqs{status!="0"}', "rate", 'rate of http_reqs{status!="0"}', "per second"),
        ("http_req_failed", "ratio", "ratio of http_req_failed", "%"),
        ("data_sent", "rate", "rate of data_sent", "bytes/s"),
        ("data_sent", "increase", "sum of data_sent", "bytes"),
        ("vus", "max", "maximum of vus", ""),
        ("my_trend", "histogram_avg", "average of my_trend", ""),
        ("my_trend", "something(new)", "something(new) of my_trend", ""),
        ("http_req_duration", "histogram_count_increase", "number of http_req_duration", ""),
    ],
)  # fmt: skip
def test_queries_are_described_in_words_with_the_units_of_built_in_metrics(
    metric: str, query: str, title: str, unit: str
) -> None:
    assert describe_measure(metric, query) == (title, unit)


def test_values_have_units_and_separators() -> None:
    assert format_value(12_345.6, "ms") == "12,346 ms"
    assert format_value(0.5, "%") == "50%"
    assert format_value(0.1234, "") == "0.123"


def test_series_are_named_after_their_label_values_unless_these_are_ambiguous() -> None:
    assert series_labels(['{name="a,b",status="200"}', '{name="c"}']) == ["a,b, 200", "c"]
    ambiguous = ['{name="a"}', '{url="a"}']
    assert series_labels(ambiguous) == ambiguous
    assert series_labels(["not a series"]) == ["not a series"]
