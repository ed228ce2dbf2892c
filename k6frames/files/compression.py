"""Compress and decompress CSV files according to their extensions, as pandas does."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from k6frames.errors import ConfigError, SchemaError
from k6frames.files.extensions import COMPRESSIONS


def find_compression(name: str) -> str | None:
    """Return the compression of a file with this name, or None; refuse tar archives."""
    if name.lower().endswith((".tar", ".tar.gz", ".tar.bz2", ".tar.xz")):
        raise ConfigError(
            f"{name} has the extension of a tar archive, which is not supported. Use one of the "
            f"extensions {', '.join(COMPRESSIONS)}, or none of them."
        )
    return COMPRESSIONS.get(Path(name).suffix.lower())


# pandas has such a function too, but it is not public.
@contextmanager
def open_compressed(path: Path, compression: str | None, member: str) -> Iterator[Any]:
    """Open a binary file for writing; `member` is the name of the file inside the archive."""
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if compression == "gzip":
            # Without a timestamp, equal frames are written as equal files.
            file = stack.enter_context(gzip.GzipFile(member, "wb", fileobj=file, mtime=0))
        elif compression == "bz2":
            file = stack.enter_context(bz2.BZ2File(file, "wb"))
        elif compression == "xz":
            file = stack.enter_context(lzma.LZMAFile(file, "wb"))
        elif compression == "zip":
            archive = stack.enter_context(zipfile.ZipFile(file, "w"))
            info = zipfile.ZipInfo(member)
            info.compress_type = zipfile.ZIP_DEFLATED
            file = stack.enter_context(archive.open(info, "w", force_zip64=True))
        elif compression == "zstd":
            file = stack.enter_context(pa.CompressedOutputStream(file, "zstd"))
        yield file


def read_compressed(name: str) -> bytes:
    """Return the contents of a file, decompressed according to its extension."""
    compression = find_compression(name)
    data = Path(name).read_bytes()
    if compression is None:
        return data
    try:
        if compression == "gzip":
            return gzip.decompress(data)
        if compression == "bz2":
            return bz2.decompress(data)
        if compression == "xz":
            return lzma.decompress(data)
        if compression == "zip":
            return _read_zip(name, data)
        with pa.input_stream(BytesIO(data), compression="zstd") as stream:
            contents: bytes = stream.read()
            return contents
    except SchemaError:
        raise
    except (
        OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile
    ) as error:  # fmt: skip
        raise SchemaError(
            f"{name} is not a {compression} file, or is damaged: {error}. If it is not compressed, "
            f"rename it so that it does not end in {Path(name).suffix}."
        ) from None


def _read_zip(name: str, data: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) != 1:
            raise SchemaError(
                f"{name} contains {len(members)} files. A zip archive must contain one CSV file."
            )
        return archive.read(members[0])
