"""Archives: what ADD unpacks, told by content as the builder does it, whatever the name says.

The builder looks for the mark of a compression, decompresses, and asks whether a tar begins there. A zip is no archive
to it, nor is a compressed file that is no tar. Sources:
https://github.com/moby/buildkit/blob/master/solver/llbsolver/file/unpack.go,
https://github.com/moby/go-archive/blob/main/compression/compression.go,
https://github.com/golang/go/blob/master/src/archive/tar/reader.go
"""

from __future__ import annotations

from typing import Final

from rewriter.model.context.build_context import BuildContext

_GZIP: Final = b"\x1f\x8b\x08"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTD: Final = (b"\x28\xb5\x2f\xfd", *(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60)))

_BLOCK: Final = 512
_ENOUGH: Final = 64 * 1024  # to decompress one block of all but bzip2, which packs 900 kB at once
_ENOUGH_OF_BZIP2: Final = 2 * 1024 * 1024


def is_archive(context: BuildContext, path: str) -> bool | None:
    """Whether ADD would unpack a file; None where it cannot be told."""
    head = context.head(path, _BLOCK)
    if head is None:
        return None
    if head.startswith(_ZSTD):
        return None  # Python reads it only from 3.14 on
    if not head.startswith((_GZIP, _BZIP2, _XZ)):
        return _is_tar(head)
    head = context.head(path, _ENOUGH_OF_BZIP2 if head.startswith(_BZIP2) else _ENOUGH)
    return None if head is None else _holds_tar(head)


def _holds_tar(data: bytes) -> bool | None:
    """Whether a tar begins in what compressed data starts with; None where too little can be decompressed."""
    import bz2
    import lzma
    import zlib

    try:
        if data.startswith(_GZIP):
            gzip = zlib.decompressobj(wbits=31)
            block, is_whole = gzip.decompress(data, _BLOCK), gzip.eof
        else:
            other = bz2.BZ2Decompressor() if data.startswith(_BZIP2) else lzma.LZMADecompressor()
            block, is_whole = other.decompress(data, _BLOCK), other.eof
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        return None
    return _is_tar(block) if is_whole or len(block) == _BLOCK else None


def _is_tar(block: bytes) -> bool:
    """Whether a block is a tar header: whether its checksum is right, which is all that Go asks for."""
    if len(block) < _BLOCK:
        return False
    digits = block[148:156].strip(b" \0").split(b"\0")[0]
    if not digits or digits.strip(b"01234567"):
        return False
    unsigned = sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")
    signed = unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])
    return int(digits, 8) in (unsigned, signed)
