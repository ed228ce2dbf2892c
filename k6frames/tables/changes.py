"""The table of differences between two frames."""

from __future__ import annotations

from k6frames.tables.schema import STRING, Column, Table

CHANGES = Table(
    name="changes",
    doc="a difference between two frames of the same table",
    key=("table", "key", "change", "column"),
    function="changes(before, after)",
    columns=(
        Column("table", STRING, "name of the table", nullable=False),
        Column("key", STRING, "key of the row, such as stack_id=1 project_id=7", nullable=False),
        Column("name", STRING, "name in the row, if it has one"),
        Column("change", STRING, "added, removed or changed", nullable=False),
        Column("column", STRING, "changed column; missing if the row was added or removed"),
        Column("before", STRING, "value before"),
        Column("after", STRING, "value after"),
    ),
)
