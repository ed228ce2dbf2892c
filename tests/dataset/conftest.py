"""An account that changes, and what a dataset of it must contain."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from v6_server import Record, V6Server, expected_frame, make_stack, parse, write_timestamp

from k6frames.tables import TEST_RUNS


class ChangingAccount:
    """An account in which runs are added, end and are deleted. `all_runs` keeps deleted ones."""

    def __init__(self, token: str, *, runs: int = 200, seed: int = 1) -> None:
        # Only a few months: each month of each stack is a file to write.
        self.stacks = (
            make_stack(11, runs=runs, seed=seed, days=140),
            make_stack(22, runs=40, seed=seed + 1, days=140),
        )
        self.rng = random.Random(seed)
        self.all_runs: dict[tuple[int, int], Record] = {}
        for stack in self.stacks:
            for run in stack.lists["test_runs"][:-30]:
                run["ended"] = run["ended"] or run["created"]
                run["status"] = run["status"].replace("running", "completed")
            self.all_runs |= {(stack.id, run["id"]): run for run in stack.lists["test_runs"]}
        self.server = V6Server(*self.stacks, token=token)

    def change(self) -> None:
        """Add runs, end some that are under way, and rename a load test."""
        for stack in self.stacks:
            runs = stack.lists["test_runs"]
            for run in self.rng.sample(runs, k=min(5, len(runs))):
                if run["ended"] is None:
                    run |= {"ended": run["created"], "status": "completed", "result": "passed"}
                    run["cost"] = {"total_vuh": self.rng.randrange(100)}
            created = parse(runs[-1]["created"])
            for _ in range(self.rng.randrange(4)):
                created += timedelta(hours=self.rng.randrange(200), microseconds=1)
                new = copy.deepcopy(self.rng.choice(runs))
                new["id"] = runs[-1]["id"] + 1
                new["created"] = write_timestamp(created, self.rng.randrange(20))
                if self.rng.random() < 0.5:
                    new |= {"ended": None, "status": "running", "result": None}
                runs.append(new)
                self.all_runs[stack.id, new["id"]] = new
            stack.lists["load_tests"][0]["name"] = f"Test {self.rng.random()}"

    def delete_oldest(self, count: int) -> None:
        """Delete the oldest runs that have ended, as k6 does when their retention has ended."""
        for stack in self.stacks:
            runs = stack.lists["test_runs"]
            ended = [run for run in runs[: len(runs) // 2] if run["ended"] is not None]
            for run in ended[:count]:
                runs.remove(run)

    def expected_runs(self) -> pd.DataFrame:
        """Every run that ever existed, in its last state, without private values."""
        records = [
            (
                stack.id,
                [run for (stack_id, _), run in self.all_runs.items() if stack_id == stack.id],
            )
            for stack in self.stacks
        ]
        frame = expected_frame(TEST_RUNS, *records)
        missing: dict[str, Any] = {c.name: pd.NA for c in TEST_RUNS.columns if c.private}
        frame = frame.assign(**missing).astype(TEST_RUNS.dtypes)
        return frame.sort_values(["stack_id", "created", "test_run_id"], ignore_index=True)


@pytest.fixture
def account(token: str) -> Iterator[ChangingAccount]:
    changing = ChangingAccount(token)
    with changing.server as server:
        yield changing
        assert server.violations == []
