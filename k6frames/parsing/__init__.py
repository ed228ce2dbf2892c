"""Parse response bodies; a `SchemaError` names the record and the field that are wrong."""

from k6frames.parsing.json_types import STRING_MAP
from k6frames.parsing.records import public_records, read

__all__ = ["STRING_MAP", "public_records", "read"]
