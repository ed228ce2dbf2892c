"""The extensions of files: which one belongs to which format or compression."""

from __future__ import annotations

from pathlib import Path

from k6frames.errors import ConfigError

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip", ".zst": "zstd"}
FORMATS = {"csv": ".csv", "json": ".json", "parquet": ".parquet", "excel": ".xlsx"}


def check_extension(path: str, format_name: str) -> None:
    """Refuse a file name with the extension of another format, because programs rely on extensions.

    Parameters
    ----------
    path : str
        The file to write.
    format_name : {"csv", "json", "parquet", "excel"}
        The format that is written. Only CSV may be compressed.

    Raises
    ------
    ConfigError
        If the extension is that of another format. Unknown extensions are accepted.
    """
    extension = Path(path).suffix.lower()
    allowed = {FORMATS[format_name]}
    if format_name == "csv":
        allowed |= COMPRESSIONS.keys()
    if extension in {*FORMATS.values(), ".xls", *COMPRESSIONS} - allowed:
        raise ConfigError(
            f"The extension {extension} of {path} does not fit the format {format_name}: choose a "
            f"name that ends in {FORMATS[format_name]}."
        )
