"""What was uploaded, as files by name: a single model or form, an archive of them, or the Flowable modeler's app export.

An archive is not trusted: sizes are counted while reading, never taken from its header, and names may not leave it.
"""

from __future__ import annotations

import io
import json
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

from engine.bpmn.forms_read import is_form
from engine.bpmn.limits import Limits
from engine.errors import DeploymentError, Problem

PROCESS = (".bpmn", ".bpmn20.xml", ".bpmn.xml", ".xml")
FORM = (".form", ".json")
ARCHIVE = (".zip", ".bar")
_PACKED = (*ARCHIVE, ".jar", ".war", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar")
_MAGIC = b"PK\x03\x04"
_LISTED = b"PK\x01\x02"  # stands before each entry in an archive's list
_CHUNK = 64 * 1024
_SMALL = 64 * 1024  # an entry below this may have any ratio: a tiny file of blanks is no attack


def unpack(name: str, data: bytes, limits: Limits = Limits()) -> dict[str, bytes]:  # noqa: B008 - frozen
    """The files of an upload by their names; raises DeploymentError naming each entry that is refused.

    Of the modeler's app export only models and forms are kept: its editor's own JSON, the app's and the pictures are left out.
    """
    if len(data) > limits.archive_size:
        raise _refusal([(f"the file is too large: {len(data)} bytes, {limits.archive_size} are allowed", name)])
    if name.lower().endswith(ARCHIVE) or data.startswith(_MAGIC):
        found = _entries(name, data, limits)
    elif name.lower().endswith((*PROCESS, *FORM)):
        found = {_base(name): data}
    else:
        raise _refusal([(f"only {', '.join((*PROCESS, *FORM, *ARCHIVE))} can be deployed", name)])
    kept = {n: d for n, d in found.items() if not _of_the_editor(n, d, found)}
    if not any(is_process(n) or is_form_file(n, d) for n, d in kept.items()):
        raise _refusal([("there is no process and no form in it", name)])
    return kept


def is_process(name: str) -> bool:
    """Whether a file of this name is a BPMN model."""
    return name.lower().endswith(PROCESS)


def is_form_file(name: str, data: bytes) -> bool:
    """Whether a file is a form: `.form`, or JSON that looks like one."""
    return name.lower().endswith(".form") or (name.lower().endswith(".json") and is_form(data))


def _base(name: str) -> str:
    """The file's own name; browsers of old send the whole path."""
    return name.replace("\\", "/").rpartition("/")[2]


def _of_the_editor(name: str, data: bytes, found: dict[str, bytes]) -> bool:
    """Whether an entry of the modeler's export is only for the modeler: editor JSON, thumbnails, the app's own description."""
    if not any(n.startswith(("bpmn-models/", "form-models/")) for n in found):
        return False
    folder, _, file = name.rpartition("/")
    if file.endswith(".png") or (folder != "form-models" and file.endswith(".json") and not is_form(data)):
        return True
    return not folder and file.endswith(".app") and _is_json(data)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _entries(name: str, data: bytes, limits: Limits) -> dict[str, bytes]:
    """The files of a zip archive, all checked; counted before a list of them is made."""
    if (count := data.count(_LISTED)) > limits.archive_entries:
        raise _refusal([(f"too many entries: {count}, {limits.archive_entries} are allowed", name)])
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeDecodeError) as error:
        raise _refusal([(f"not a readable zip archive: {error}", name)]) from None
    infos = [i for i in archive.infolist() if not i.is_dir() and not _noise(i.filename)]
    refused = [(said, i.filename) for i in infos if (said := _bad_entry(i, limits))]
    names = [i.filename for i in infos]
    refused += [("the entry is in the archive twice", twice) for twice in sorted({n for n in names if names.count(n) > 1})]
    if refused:
        raise _refusal(refused)
    return _read_all(archive, infos, limits)


def _noise(name: str) -> bool:
    """What file managers of some systems put into every archive."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in (".DS_Store", "Thumbs.db")


def _bad_entry(info: zipfile.ZipInfo, limits: Limits) -> str | None:
    """Why an entry is refused by what the archive says about it."""
    name = info.filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        return "the entry's name leads out of the archive"
    if len(name) > limits.archive_name_length or not name.isprintable():
        return "the entry's name is too long or holds signs that cannot be shown"
    if info.flag_bits & 0x1:
        return "the entry is encrypted"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "the entry is a link"
    if name.lower().endswith(_PACKED):
        return "an archive inside the archive is not allowed"
    return None


def _read_all(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], limits: Limits) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = limits.archive_size
    for info in infos:
        try:
            found[info.filename] = content = _read(archive, info, left, limits)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError) as error:
            raise _refusal([(str(error) or "the entry cannot be read", info.filename)]) from None
        left -= len(content)
        if content.startswith(_MAGIC):
            raise _refusal([("an archive inside the archive is not allowed", info.filename)])
    return found


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, limits: Limits) -> bytes:
    """The bytes of an entry; stops with ValueError as soon as it proves too large, whatever its header says."""
    most = max(info.compress_size, 1) * limits.archive_ratio
    content = bytearray()
    with archive.open(info) as entry:
        while chunk := entry.read(_CHUNK):
            content += chunk
            if len(content) > left:
                raise ValueError(f"the archive unpacks to more than {limits.archive_size} bytes")
            if len(content) > max(most, _SMALL):
                raise ValueError(f"the entry unpacks to more than {limits.archive_ratio} times its size")
    return bytes(content)


def _refusal(said: list[tuple[str, str]]) -> DeploymentError:
    return DeploymentError([Problem(message, None, None, file or None) for message, file in said])
