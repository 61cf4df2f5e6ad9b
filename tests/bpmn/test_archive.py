"""An upload becomes files by name; an archive that lies about its sizes, leads out of itself or holds nothing is refused by entry."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bpmn import archive
from engine.bpmn.limits import Limits
from engine.errors import DeploymentError
from tests.bpmn.models import bpmn, line

MODEL = bpmn(line())
FORM = b'{"key": "order", "fields": []}'


def packed(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in entries.items():
            z.writestr(name, data)
    return out.getvalue()


def refused(data: bytes, name: str = "office.zip", **limits: int) -> str:
    with pytest.raises(DeploymentError) as refusal:
        archive.unpack(name, data, Limits(**limits))
    return str(refusal.value)


@pytest.mark.parametrize("name", ["a.bpmn", "a.bpmn20.xml", "a.form", "a.json", "C:\\models\\a.bpmn", "A.BPMN"])
def test_takes_a_single_file(name: str) -> None:
    data = FORM if name.endswith(("form", "json")) else MODEL
    assert archive.unpack(name, data) == {name.rpartition("\\")[2]: data}


@pytest.mark.parametrize("name", ["office.zip", "office.bar", "office"])
def test_takes_an_archive_with_all_its_files(name: str) -> None:
    files = {"a.bpmn": MODEL, "forms/order.form": FORM, "readme.txt": b"hello", "a.png": b"\x89PNG"}
    assert archive.unpack(name, packed(files)) == files


def test_takes_models_and_forms_of_the_modelers_export_and_leaves_the_editors_own() -> None:
    app = b'{"key": "app", "editorJson": {"models": []}}'
    kept = {"bpmn-models/p.bpmn": MODEL, "form-models/order.json": b'{"key": "order", "editorJson": {"fields": []}}'}
    others = {"App.json": app, "bpmn-models/p.json": b'{"stencil": {}}', "bpmn-models/p.png": b"p", "form-models/order.png": b"p"}
    assert archive.unpack("App.zip", packed(kept | others)) == kept


def test_leaves_out_what_file_managers_add() -> None:
    assert archive.unpack("a.zip", packed({"a.bpmn": MODEL, "__MACOSX/._a.bpmn": b"x", ".DS_Store": b"x"})) == {"a.bpmn": MODEL}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../a.bpmn", "../a.bpmn: the entry's name leads out of the archive"),
        ("x/../../a.bpmn", "leads out of the archive"),
        ("/etc/a.bpmn", "leads out of the archive"),
        ("..\\a.bpmn", "leads out of the archive"),
        ("C:/a.bpmn", "leads out of the archive"),
        ("a\x01.bpmn", "holds signs that cannot be shown"),
        ("a" * 600, "the entry's name is too long"),
        ("inner.zip", "inner.zip: an archive inside the archive is not allowed"),
        ("inner.tar.gz", "an archive inside the archive is not allowed"),
    ],
)
def test_refuses_an_entry_by_its_name(name: str, said: str) -> None:
    assert said in refused(packed({"good.bpmn": MODEL, name: b"x"}))


def test_names_every_refused_entry() -> None:
    said = refused(packed({"../a.bpmn": MODEL, "b.zip": b"x", "c.bpmn": MODEL}))
    assert said.splitlines() == [
        "../a.bpmn: the entry's name leads out of the archive", "b.zip: an archive inside the archive is not allowed"]  # fmt: skip


def test_refuses_an_archive_that_calls_itself_something_else() -> None:
    assert "inner.txt: an archive inside the archive is not allowed" in refused(packed({"a.bpmn": MODEL, "inner.txt": packed({"x": b"y"})}))


def test_refuses_links_and_encrypted_entries() -> None:
    link = zipfile.ZipInfo("a.bpmn")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr(link, "/etc/passwd")
    assert "a.bpmn: the entry is a link" in refused(out.getvalue())
    locked = bytearray(packed({"a.bpmn": MODEL}))
    at = locked.index(b"PK\x01\x02") + 8
    locked[at] |= 1
    assert "a.bpmn: the entry is encrypted" in refused(bytes(locked))


def test_refuses_an_entry_that_is_in_it_twice() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("a.bpmn", MODEL)
        with pytest.warns(UserWarning, match="Duplicate name"):
            z.writestr("a.bpmn", MODEL)
    assert "a.bpmn: the entry is in the archive twice" in refused(out.getvalue())


def test_refuses_what_unpacks_to_a_thousand_times_its_size() -> None:
    assert "bomb.bpmn: the entry unpacks to more than 1000 times its size" in refused(packed({"bomb.bpmn": b"\0" * 10_000_000}))


def test_refuses_too_much_in_all_whatever_the_header_says() -> None:
    data = packed({"a.bpmn": MODEL, "b.txt": bytes(range(256)) * 800})
    assert "b.txt: the archive unpacks to more than 204801 bytes" in refused(data, archive_size=204_801)
    assert "the file is too large" in refused(data, archive_size=100)
    lying = bytearray(packed({"b.bpmn": b"abc" * 1_000_000}))
    at = lying.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = struct.pack("<I", 100)  # the size it claims to unpack to
    assert "b.bpmn: " in refused(bytes(lying))


def test_refuses_too_many_entries_before_it_lists_them() -> None:
    assert "too many entries: 30, 20 are allowed" in refused(packed({f"{i}.txt": b"" for i in range(30)}), archive_entries=20)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("notes.txt", b"hello", "notes.txt: only .bpmn"),
        ("a.zip", b"no archive", "a.zip: not a readable zip archive"),
        ("a.zip", packed({"readme.txt": b"hello"}), "a.zip: there is no process and no form in it"),
        ("a.zip", packed({}), "a.zip: "),
        ("a.json", b'{"some": "thing"}', "a.json: there is no process and no form in it"),
    ],
)
def test_refuses_what_holds_nothing_to_deploy(name: str, data: bytes, said: str) -> None:
    assert said in refused(data, name)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 30))
def test_any_damage_to_an_archive_is_refused_or_changes_nothing(noise: bytes, at: int, cut: int) -> None:
    whole = packed({"a.bpmn": MODEL, "b.form": FORM})
    try:
        files = archive.unpack("a.zip", whole[:at] + noise + whole[at + cut :])
    except DeploymentError:
        return
    assert set(files) <= {"a.bpmn", "b.form"} or noise
