"""Files that are said to be pictures: what is kept of them, and what is refused with which words."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from memory.errors import BadInput
from memory.pictures.picture import plain_name, typed, worded
from memory.pictures.reading import FORMATS, read_picture
from tests.pictures.drawn import BLACK, BLUE, beach, cat, drawing


@pytest.mark.parametrize("form", FORMATS)
def test_each_form_is_read_and_said_in_words(form: str) -> None:
    picture, data = read_picture("a.bin", drawing(form=form))
    assert (picture.width, picture.height, picture.size) == (600, 400, len(data))
    assert picture.colours == ("blue", "beige")
    named = "WebP" if form == "WEBP" else form
    assert picture.told.startswith("The picture a.bin shows mainly blue and beige. It is a")
    assert f" {named} file of 600 × 400 pixels." in picture.told
    assert Image.open(io.BytesIO(data)).format == picture.mime.partition("/")[2].upper()


def test_a_large_one_is_scaled_down_and_a_small_one_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_picture("a.png", drawing(size=(3000, 1500)))[0].width == 1024
    assert read_picture("a.png", drawing(size=(3, 2)))[0].width == 3
    monkeypatch.setenv("PICTURE_SIDE", "100")
    picture, _ = read_picture("a.png", drawing())
    assert (picture.width, picture.height) == (100, 67)


def test_nothing_but_the_pixels_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "SECRETCAM", "SECRET PLACE"
    text = PngInfo()
    text.add_text("Comment", "SECRET WORDS")
    files = [
        drawing(form="JPEG", exif=exif, comment=b"SECRET"),
        drawing(form="PNG", pnginfo=text, exif=exif) + b"SECRET BEHIND IT",
        drawing(form="WEBP", exif=exif, xmp=b"SECRET"),
        drawing(form="GIF", comment=b"SECRET"),
    ]
    for data in files:
        assert b"SECRET" in data
        _, kept = read_picture("a", data)
        assert b"SECRET" not in kept
        image = Image.open(io.BytesIO(kept))
        image.load()
        assert not dict(image.getexif())
        assert not {"icc_profile", "comment", "Comment", "xmp", "exif"} & set(image.info)


def test_it_is_turned_as_the_camera_said() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture, data = read_picture("a.jpg", drawing(BLACK, BLUE, "JPEG", exif=exif))
    assert (picture.width, picture.height) == (400, 600)
    turned = Image.open(io.BytesIO(data)).convert("RGB")
    assert sum(turned.getpixel((390, 300))) < 60 < sum(turned.getpixel((10, 300)))  # type: ignore[arg-type]


def test_an_animation_is_its_first_frame() -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in (BLUE, BLACK)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    picture, data = read_picture("a.gif", out.getvalue())
    assert picture.colours == ("blue",)
    assert getattr(Image.open(io.BytesIO(data)), "n_frames", 1) == 1


def test_what_shows_through_still_does() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    picture, data = read_picture("a.png", out.getvalue())
    assert Image.open(io.BytesIO(data)).mode == "RGBA"
    assert "nothing, as it is transparent" in picture.told


def test_the_same_picture_has_one_id_whatever_it_is_called() -> None:
    first, second = read_picture("a.png", drawing())[0], read_picture("b.png", drawing())[0]
    assert first.id == second.id != cat()[0].id


def bomb() -> bytes:
    """A PNG that says it has a hundred million pixels of its own in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"no picture at all", "is no picture that can be read"),
        (b"%PDF-1.4 " + bytes(200), "is no picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no picture that can be read"),
        (drawing()[:200], "is a broken picture"),
        (drawing(form="JPEG")[:300], "picture"),
        (bomb(), "more than 50 million pixels"),
        (bytes(10_000_001), "a picture may have 10.0 MB"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        read_picture("a.png", data)
    assert str(caught.value).startswith("“a.png”")


@pytest.mark.parametrize("form", ["TIFF", "BMP", "ICO"])
def test_other_forms_are_refused_though_they_could_be_read(form: str) -> None:
    with pytest.raises(BadInput, match="PNG, JPEG, WebP or GIF"):
        read_picture("a.png", drawing(form=form))


@settings(max_examples=200)
@given(st.sampled_from(FORMATS), st.data())
def test_any_bytes_are_a_picture_or_refused_and_nothing_else(form: str, data: st.DataObject) -> None:
    whole = bytearray(drawing(form=form, size=(60, 40)))
    if data.draw(st.booleans()):
        whole = bytearray(data.draw(st.binary(max_size=300)))
    else:
        for _ in range(data.draw(st.integers(1, 20))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        whole = whole[: data.draw(st.integers(1, len(whole)))]
    try:
        picture, kept = read_picture("x", bytes(whole))
    except BadInput:
        return
    assert picture.size == len(kept)
    assert read_picture("x", kept)[0].colours == picture.colours


@given(st.text(max_size=200))
def test_a_name_is_one_line_that_ends_no_sentence_and_forges_none(name: str) -> None:
    plain = plain_name(name)
    assert 0 < len(plain) <= 60
    assert not set(plain) & set("\n\r\t\"'“”<>[](){}*_`:;!?/\\") - {"_"}


@given(st.text(max_size=60), st.integers(0, 2))
def test_what_was_typed_is_found_again_in_what_is_sent(text: str, count: int) -> None:
    pictures = [beach()[0], cat()[0]][:count]
    said = worded(text, pictures)
    assert typed(said, pictures) == (text if text.strip() else "")
    assert all(picture.told in said for picture in pictures)
