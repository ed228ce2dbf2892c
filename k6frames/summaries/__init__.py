"""Summaries: pure functions from frames to smaller frames that answer a question."""
