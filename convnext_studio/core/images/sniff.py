"""What a file is, judged by its first bytes and never by its name, before any decoder is asked."""

from __future__ import annotations

from convnext_studio.core.errors import ImageError

HEAD_BYTES = 512

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"8BPS", "PSD"),
    (b"\0\0\1\0", "ICO"),
    (b"\x01\xda", "SGI"),
)
_NETPBM = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"Pf", b"PF")
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))
_TARGA_SUFFIXES = (".tga", ".icb", ".vda", ".vst")

_OTHER_THINGS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer: the picture itself was never fetched"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript program"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript program"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"\x01\x00\x00\x00\x6c\x00\x00\x00", "a Windows metafile"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x80\x02", "a Python pickle"),
    (b"\xff\x0a", "a JPEG XL picture, a kind this program does not open"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture, a kind this program does not open"),
    (b"DDS ", "a DirectDraw texture, a kind this program does not open"),
    (b"BLP", "a Blizzard texture, a kind this program does not open"),
    (b"qoif", "a QOI picture, a kind this program does not open"),
    (b"\0\0\2\0", "a mouse cursor, a kind this program does not open"),
    (b"\x89HDF", "an HDF5 data file"),
    (b"SIMPLE  =", "a FITS data file"),
    (b"\0\0\1\xba", "a video"),
    (b"\x1aE\xdf\xa3", "a video"),
)
_HINT_OTHER = "Save it as PNG, JPEG or TIFF, or leave it out."


def sniff(head: bytes, suffix: str) -> str:
    """Return Pillow's name for the format of a file that begins with `head` (its first `HEAD_BYTES` bytes).

    `suffix` (".tga") matters only where a format has no signature. Raises `ImageError` when this is no picture of a
    kind on the allow-list; the message says what it is instead, where that can be told.
    """
    if not head:
        raise ImageError("The file is empty.", "Copy it again from where it came from.")
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head.startswith(_NETPBM) and head[2:3].isspace():
        return "PPM"
    if head.startswith(b"\x0a") and head[1:2] in b"\0\2\3\4\5" and head[2:3] == b"\1":
        return "PCX"
    if suffix.lower() in _TARGA_SUFFIXES:
        return "TGA"
    if what := _other_thing(head):
        raise ImageError(f"This is {what}.", _HINT_OTHER)
    raise ImageError("This is not a picture of a kind this program can open.", _HINT_OTHER)


def _iso_media(head: bytes) -> str:
    """Tell AVIF, HEIF and videos apart by the brands in their first box."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    raise ImageError("This is a video.", "Save the frames you need as pictures.")


def _other_thing(head: bytes) -> str:
    """Name what the file is instead of a picture; empty when that cannot be told."""
    for signature, what in _OTHER_THINGS:
        if head.startswith(signature):
            return what
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "a video"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "an SVG drawing, which is a program and not pixels"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, perhaps an error page saved under a picture's name"
    if text.startswith(b"<?xml"):
        return "an XML document"
    return "a text file" if _is_text(text) else ""


def _is_text(head: bytes) -> bool:
    """Say whether the bytes read as text; the last character may be cut."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start == 0 or error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\t\r\n" for letter in text)
