"""How large what is uploaded may be; the defaults are generous, the deployer hands in the site's own."""

from __future__ import annotations

from dataclasses import dataclass

KILO, MEGA = 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, levels and counts beyond which a file, an archive or a form is refused."""

    xml_size: int = 10 * MEGA
    xml_depth: int = 500
    xml_elements: int = 200_000
    id_length: int = 255
    name_length: int = 255
    text_length: int = 100_000  # a documentation, an expression, a script
    archive_size: int = 50 * MEGA  # packed, and unpacked in all
    archive_entries: int = 1000
    archive_ratio: int = 1000
    archive_name_length: int = 500
    form_size: int = MEGA
    form_fields: int = 1000
