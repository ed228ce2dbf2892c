"""Response bodies to one Arrow table, or a `SchemaError` that names the record and the field."""

from k6frames.parsing.json_types import STRING_MAP
from k6frames.parsing.records import public_records, read

__all__ = ["STRING_MAP", "public_records", "read"]
