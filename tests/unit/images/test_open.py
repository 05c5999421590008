"""The one decoder: what opens, what is refused and why, and that equal files give equal pixels."""

from __future__ import annotations

import base64
import errno
import io
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from convnext_studio.core.errors import ImageError
from convnext_studio.core.images import jpeg
from convnext_studio.core.images.open import DecodedImage, open_pixels
from convnext_studio.core.images.sniff import sniff
from convnext_studio.core.images.source import first_lost, opened

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 200, 0), (0, 0, 255), (255, 255, 255)
TURNED_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quadrants(width: int = 60, height: int = 40) -> Image.Image:
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    picture.paste(WHITE, (width // 2, height // 2, width, height))
    return picture


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.frombytes(mode, (width, height), random.Random(1).randbytes(width * height * len(mode)))


def saved(folder: Path, picture: Image.Image, name: str, **options: object) -> str:
    path = folder / name
    picture.save(path, **options)
    return str(path)


def written(folder: Path, data: bytes, name: str) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def refusal(path: str, **options: float) -> ImageError:
    with pytest.raises(ImageError) as caught:
        open_pixels(path, **options)  # type: ignore[arg-type]
    assert caught.value.message.endswith(".")
    assert "Error" not in caught.value.message
    return caught.value


def is_quadrants(found: DecodedImage, tolerance: int = 40) -> bool:
    height, width = found.pixels.shape[:2]
    corners = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, width // 4)]
    wanted = [RED, GREEN, BLUE]
    return all(
        np.abs(found.pixels[at].astype(int) - colour).max() <= tolerance
        for at, colour in zip(corners, wanted, strict=True)
    )


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tif", "a.gif", "a.tga", "a.ppm", "a.jp2"])
def test_common_formats_open_with_their_colours(tmp_path: Path, name: str) -> None:
    assert is_quadrants(open_pixels(saved(tmp_path, quadrants(), name)))


def test_heic_and_avif_open_where_their_parts_are_installed(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    assert is_quadrants(open_pixels(saved(tmp_path, quadrants(), "a.heic")))
    assert is_quadrants(open_pixels(saved(tmp_path, quadrants(), "a.avif")))


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    quadrants().save(buffer, "JPEG", quality=95)
    found = open_pixels(written(tmp_path, buffer.getvalue(), "photo.png"))
    assert found.format == "JPEG"
    assert is_quadrants(found)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, turn: int, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = quadrants().transpose(TURNED_BACK[turn]) if turn in TURNED_BACK else quadrants()
    found = open_pixels(saved(tmp_path, stored, name, exif=exif, quality=95))
    assert (found.width, found.height) == (60, 40)
    assert is_quadrants(found)


def test_unreadable_exif_is_noted_and_the_picture_opens(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    quadrants().save(buffer, "JPEG", quality=95)
    block = b"Exif\0\0" + bytes(range(100))
    data = buffer.getvalue()[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + buffer.getvalue()[2:]
    found = open_pixels(written(tmp_path, data, "a.jpg"))
    assert is_quadrants(found)
    assert found.notes == ("Its EXIF data is unreadable and was ignored.",)


def test_sixteen_bit_grey_keeps_its_high_byte(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (4, 1))
    for name in ("a.png", "a.tif"):
        found = open_pixels(saved(tmp_path, Image.fromarray(ramp), name))
        assert (found.pixels[0, :, 0] == np.arange(256)).all()
        assert found.notes == ("16-bit picture, used in 8 bits.",)


def test_a_dark_sixteen_bit_picture_is_not_stretched(tmp_path: Path) -> None:
    found = open_pixels(saved(tmp_path, Image.fromarray(np.full((4, 4), 1024, np.uint16)), "a.png"))
    assert (found.pixels == 4).all()


def test_floats_from_0_to_1_open_and_others_are_refused(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (4, 1))
    assert len(np.unique(open_pixels(saved(tmp_path, Image.fromarray(ramp), "a.tif")).pixels)) == 256
    assert "0 to 1" in refusal(saved(tmp_path, Image.fromarray(ramp * 9), "b.tif")).message
    assert "0 to 1" in refusal(saved(tmp_path, Image.fromarray(ramp * np.nan), "c.tif")).message


def test_transparent_parts_become_white_and_hidden_colours_stay_hidden(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (8, 8), (255, 0, 255, 0))
    picture.paste((10, 20, 30, 255), (0, 0, 4, 8))
    found = open_pixels(saved(tmp_path, picture, "a.png"))
    assert (found.pixels[:, :4] == (10, 20, 30)).all()
    assert (found.pixels[:, 4:] == 255).all()
    assert found.notes == ("Transparent parts are filled with white.",)


def test_an_opaque_alpha_channel_is_not_noted(tmp_path: Path) -> None:
    assert open_pixels(saved(tmp_path, quadrants().convert("RGBA"), "a.png")).notes == ()


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_a_file_of_several_frames_says_which_one_is_used(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in (RED, GREEN, BLUE)]
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    found = open_pixels(path)
    assert (found.frames, found.notes) == (3, ("Frame 1 of 3.",))
    assert np.abs(found.pixels[20, 30].astype(int) - RED).max() < 40
    third = open_pixels(path, 2)
    assert third.notes == ("Frame 3 of 3.",)
    assert np.abs(third.pixels[20, 30].astype(int) - BLUE).max() < 40
    with pytest.raises(ImageError, match="3 frames"):
        open_pixels(path, 3)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tif", "a.gif", "a.tga"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_off_file_is_refused_and_never_padded(tmp_path: Path, name: str, share: float) -> None:
    path = Path(saved(tmp_path, noise(90, 70), name))
    data = path.read_bytes()
    refusal(written(tmp_path, data[: int(len(data) * share)], f"cut-{name}"))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_off_jpeg_is_refused_also_where_somebody_put_an_end_mark(tmp_path: Path, mode: str, share: float) -> None:
    data = Path(saved(tmp_path, noise(301, 203).convert(mode), "a.jpg", quality=85)).read_bytes()
    cut = written(tmp_path, data[: int(len(data) * share)].rstrip(b"\xff") + b"\xff\xd9", "cut.jpg")
    assert "cut off" in refusal(cut).message
    with pytest.raises(ImageError, match="cut off"):
        open_pixels(cut, target=(20, 20))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("target", [None, (20, 15)])
def test_a_jpeg_with_flipped_bytes_is_refused_or_opens_with_a_note(
    tmp_path: Path, mode: str, target: tuple[int, int] | None
) -> None:
    pytest.importorskip("simplejpeg")
    buffer = io.BytesIO()
    noise(40, 30, mode).resize((320, 240), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    chance, named, changed = random.Random(3), 0, 0
    whole = open_pixels(written(tmp_path, buffer.getvalue(), "whole.jpg"), target=target)
    assert whole.notes == ()
    for number in range(20):
        data = bytearray(buffer.getvalue())
        for _ in range(30):
            data[chance.randrange(700, len(data) - 2)] ^= 1 << chance.randrange(8)
        try:
            found = open_pixels(written(tmp_path, bytes(data), f"{number}.jpg"), target=target)
        except ImageError:
            continue
        changed += bool((found.pixels != whole.pixels).any())
        named += found.notes == ("The file is damaged: a part of the picture may be wrong.",)
    assert changed >= 10 and named >= 0.8 * changed  # what happens to decode to the end is not known to be wrong


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
def test_both_decoders_of_jpeg_give_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, options: dict[str, object], factor: int
) -> None:
    pytest.importorskip("simplejpeg")
    path = saved(tmp_path, noise(203, 151, mode), "a.jpg", **options)
    target = (203 // (2 * factor), 151 // (2 * factor))
    one = open_pixels(path, target=target)
    monkeypatch.setattr(jpeg, "_decoder", None)
    other = open_pixels(path, target=target)
    assert one.pixels.shape[:2] == (-(-151 // factor), -(-203 // factor))
    assert (one.pixels == other.pixels).all() and one.notes == other.notes == ()


def test_damage_in_the_first_picture_of_a_file_from_a_phone_is_noted(tmp_path: Path) -> None:
    pytest.importorskip("simplejpeg")
    path = Path(saved(tmp_path, noise(80, 60), "a.mpo", save_all=True, append_images=[noise(40, 30)]))
    assert open_pixels(str(path)).notes == ("Frame 1 of 2.",)
    data = bytearray(path.read_bytes())
    data[1500:1600] = bytes(100)
    damaged = written(tmp_path, bytes(data), "b.mpo")
    assert open_pixels(damaged).notes == ("The file is damaged: a part of the picture may be wrong.", "Frame 1 of 2.")
    assert open_pixels(damaged, frame=1).notes == ("Frame 2 of 2.",)


def test_what_is_odd_outside_of_the_picture_only_is_no_damage(tmp_path: Path) -> None:
    pytest.importorskip("simplejpeg")
    buffer = io.BytesIO()
    quadrants().save(buffer, "JPEG")
    data = buffer.getvalue()
    tables = data.index(b"\xff\xdb")
    filled = data[:tables] + b"\0\0\0\0" + data[tables:]
    assert open_pixels(written(tmp_path, filled, "filled.jpg")).notes == ()
    padded = data[:-2] + bytes(16) + data[-2:]  # as some cameras do, up to a round number of bytes
    assert open_pixels(written(tmp_path, padded, "padded.jpg")).notes == ()
    assert open_pixels(written(tmp_path, padded + data, "two.jpg")).notes == ()
    dirty = data[:-2] + bytes(range(100, 116)) + data[-2:]
    assert len(open_pixels(written(tmp_path, dirty, "dirty.jpg")).notes) == 1


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_ends_in_middle_grey_opens(tmp_path: Path, mode: str) -> None:
    picture = noise(301, 203)
    picture.paste((128, 128, 128), (200, 100, 301, 203))
    path = Path(saved(tmp_path, picture.convert(mode), "a.jpg", quality=85))
    assert open_pixels(str(path)).pixels.shape == (203, 301, 3)
    found = open_pixels(written(tmp_path, path.read_bytes() + b"extra", "b.jpg"))
    assert found.notes[-1].startswith("Extra bytes") or mode == "CMYK"


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (7, 30), (30, 7)])
def test_a_tiny_jpeg_that_ends_in_middle_grey_opens(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    path = saved(tmp_path, Image.new("RGB", size, (128, 128, 128)).convert(mode), "a.jpg")
    assert open_pixels(path).pixels.shape == (size[1], size[0], 3)


# 32 x 32, noise above and middle grey below, as libjpeg's arithmetic coder writes it
ARITHMETIC_JPEG = base64.b64decode(
    "/9j/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6/+b9//j/yQAL"
    "CAAgACABAREA/8wABgAQEAX/2gAIAQEAAD8A+KdTfZ1UwykdVXEkWioJVRwWLYES5A1iUJVV/p06O3nfIy9vCH5DOL+41tlnI06R"
    "ewCcPsM3brRPXvJdIr4jhBw2ewoXN5tbaVzJ2GTNZ76g2eBfqSl1bldRogpDBPA8JaD3YoTLFt83z/l5x5v8/PwkDUzL31vsQfHH"
    "fUylm3ztlp0dJb/Xuf/Z"
)


def test_a_jpeg_in_arithmetic_coding_that_ends_in_middle_grey_opens(tmp_path: Path) -> None:
    found = open_pixels(written(tmp_path, ARITHMETIC_JPEG, "a.jpg"))
    assert found.pixels[-1, -1].tolist() == [128, 128, 128]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("behind", ["thumbnail", "trailer", "two bytes"])
def test_a_cut_off_jpeg_is_refused_whatever_follows_it(
    tmp_path: Path, behind: str, options: dict[str, bool | int]
) -> None:
    picture = noise(301, 203)
    picture.paste((128, 128, 128), (0, 150, 301, 203))
    data = Path(saved(tmp_path, picture, "a.jpg", quality=85, **options)).read_bytes()
    thumbnail = Path(saved(tmp_path, noise(30, 20), "b.jpg")).read_bytes()
    extra = {"thumbnail": thumbnail, "trailer": b"\xff\xe9\xff\xd9" * 9, "two bytes": b"\xff\xd9"}[behind]
    assert open_pixels(written(tmp_path, data + extra, "whole.jpg")).pixels.shape == (203, 301, 3)
    if options.get("progressive"):
        return  # coarse and not grey where it is cut
    cut = data[: len(data) // 2].rstrip(b"\xff") + b"\xff\xd9"
    assert "cut off" in refusal(written(tmp_path, cut + extra, "cut.jpg")).message


@pytest.mark.parametrize("frame", [0, 1])
def test_a_photo_with_a_second_picture_inside_is_refused_where_either_is_cut_off(tmp_path: Path, frame: int) -> None:
    grey = Image.new("RGB", (301, 203), (128, 128, 128))
    path = saved(tmp_path, noise(301, 203), "a.mpo", save_all=True, append_images=[noise(301, 203)])
    data = Path(path).read_bytes()
    second = data.index(b"\xff\xd8", 100)
    end = (second if frame == 0 else len(data)) - second // 2
    cut = data[:end].rstrip(b"\xff") + b"\xff\xd9"
    cut = cut.ljust(second if frame == 0 else len(data), b"\0") + (data[second:] if frame == 0 else b"")
    broken = written(tmp_path, cut, "cut.mpo")
    with pytest.raises(ImageError, match="cut off"):
        open_pixels(broken, frame)
    assert open_pixels(broken, 1 - frame).frames == 2
    whole = saved(tmp_path, grey, "grey.mpo", save_all=True, append_images=[grey])
    assert open_pixels(whole, frame).pixels[-1, -1].tolist() == [128, 128, 128]


def test_a_wrong_png_checksum_is_refused(tmp_path: Path) -> None:
    data = bytearray(Path(saved(tmp_path, noise(9, 9), "a.png")).read_bytes())
    data[data.index(b"IDAT") + 30] ^= 1
    assert "checksum" in refusal(written(tmp_path, bytes(data), "b.png")).message


@pytest.mark.parametrize("rows", [3, 7])
@pytest.mark.parametrize("is_black", [False, True])
def test_a_png_with_too_few_rows_is_refused_and_a_black_one_opens(tmp_path: Path, rows: int, *, is_black: bool) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def png(count: int) -> bytes:
        row = b"\0" + (b"\0" if is_black else b"\x55") * 24
        header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
        body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * count)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body

    assert "rows are missing" in refusal(written(tmp_path, png(rows), "short.png")).message
    assert open_pixels(written(tmp_path, png(8), "whole.png")).pixels.shape == (8, 8, 3)


def test_a_picture_over_the_limit_is_refused_by_its_header_naming_the_setting(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("1", (2000, 1000)), "a.png")
    error = refusal(path, max_megapixels=1.5)
    assert error.message == "The picture has 2 megapixels; the limit for PNG is 2."
    assert "Largest image" in error.hint
    assert open_pixels(path, max_megapixels=2.0).width == 2000


def test_a_huge_sparse_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    with path.open("wb") as file:
        file.write(b"BM")
        file.truncate(4 << 30)
    assert "4.3 GB" in refusal(str(path)).message


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg xmlns='x'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"%!PS-Adobe", "PostScript"),
        (b"%PDF-1.4", "PDF"),
        (b"<!doctype html>", "web page"),
        (b"version https://git-lfs.github.com", "Git LFS"),
        (b"PK\x03\x04", "ZIP"),
        (b"part 4711\n", "text file"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"\x00\x13\x37", "not a picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        sniff(data, ".jpg")


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    assert "not there" in refusal(str(tmp_path / "gone.png")).message
    assert "folder" in refusal(str(tmp_path)).message
    assert "longer" in refusal(str(tmp_path / ("x" * 300))).message
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert refusal(str(tmp_path / "link.png")).message == refusal(str(tmp_path / "loop.png")).message
    assert "leads nowhere" in refusal(str(tmp_path / "link.png")).message
    os.mkfifo(tmp_path / "pipe.png")
    refusal(str(tmp_path / "pipe.png"))


def test_a_name_that_is_no_valid_text_opens(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png")
    quadrants().save(path, "PNG")
    assert is_quadrants(open_pixels(path))


def test_a_jpeg_is_reduced_only_while_twice_the_target_is_left(tmp_path: Path) -> None:
    path = saved(tmp_path, quadrants(1600, 1200), "a.jpg", quality=90)
    assert open_pixels(path, target=(256, 256)).pixels.shape == (600, 800, 3)
    assert open_pixels(path, target=(301, 301)).pixels.shape == (1200, 1600, 3)
    assert open_pixels(path).pixels.shape == (1200, 1600, 3)
    assert open_pixels(path, target=(256, 256)).width == 1600


def test_a_photo_with_a_second_picture_inside_is_reduced_like_any_jpeg(tmp_path: Path) -> None:
    path = saved(tmp_path, quadrants(1600, 1200), "a.mpo", save_all=True, append_images=[quadrants(1600, 1200)])
    found = open_pixels(path, target=(256, 256))
    assert (found.pixels.shape, found.notes) == ((600, 800, 3), ("Frame 1 of 2.",))
    assert is_quadrants(found)
    assert is_quadrants(open_pixels(path, 1, target=(256, 256)))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_very_large_picture_is_reduced_for_the_screen_and_keeps_its_true_size(tmp_path: Path, mode: str) -> None:
    picture = quadrants(9000, 5000).convert(mode)
    found = open_pixels(saved(tmp_path, picture, "a.png", compress_level=1))
    assert (found.width, found.height) == (9000, 5000)
    assert found.pixels.shape == (2500, 4500, 3)
    assert mode == "L" or is_quadrants(found)


def test_pillow_is_never_told_to_fill_in_missing_data() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS is not None


CUT_WHILE_READ = """
import os, sys
from convnext_studio.core.errors import ImageError
from convnext_studio.core.images import png
from convnext_studio.core.images.open import open_pixels
check = png._has_right_checksum
def cut(*parts):
    os.truncate(sys.argv[1], 1000)
    return check(*parts)
png._has_right_checksum = cut
try:
    open_pixels(sys.argv[1])
except ImageError as error:
    print(error.message)
"""


def test_a_large_picture_that_another_program_cuts_short_meanwhile_is_one_refusal(tmp_path: Path) -> None:
    path = saved(tmp_path, noise(2500, 2400), "large.png", compress_level=0)
    command = [sys.executable, "-c", CUT_WHILE_READ, path]
    ran = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "The picture is cut off: its file ends too early.\n"), ran.stderr


def test_no_decoder_is_given_a_number_by_which_it_could_map_a_large_file(tmp_path: Path) -> None:
    """libtiff would: and be killed where the file is cut short meanwhile."""
    picture = noise(2500, 2400)
    path = saved(tmp_path, picture, "large.tif", compression="tiff_lzw")
    with opened(path) as source, pytest.raises(io.UnsupportedOperation):
        source.file.fileno()
    assert (open_pixels(path).pixels == np.asarray(picture)).all()


def test_a_drive_that_answers_nothing_sensible_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = tmp_path / "share"
    assert first_lost(tmp_path / ("a" * 300) / "parts") == tmp_path / ("a" * 300)
    known = {name: getattr(os, name) for name in ("scandir", "stat")}

    def gone(name: str) -> Callable[..., object]:
        def ask(path: str | Path, *rest: object, **options: object) -> object:
            if drive in (Path(path), *Path(path).parents):
                raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")  # a share whose server is gone
            return known[name](path, *rest, **options)

        return ask

    for name in known:
        monkeypatch.setattr(os, name, gone(name))
    assert first_lost(drive / "parts" / "ok") == drive
