"""What a file is, by its first bytes. A provider's or a sender's word is never enough to serve it as a page."""

from collections.abc import Mapping

UNKNOWN = "application/octet-stream"

_AT_START = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"%PDF-", "application/pdf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"PK\x03\x04", "application/zip"),
)

_EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp",
    "audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/amr": ".amr", "audio/aac": ".aac", "audio/mp4": ".m4a",
    "video/mp4": ".mp4", "video/3gpp": ".3gp", "video/webm": ".webm", "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt",
    "application/zip": ".zip", "text/plain": ".txt", "text/csv": ".csv",
}  # fmt: skip

_CONTAINERS: Mapping[str, tuple[str, ...]] = {
    "application/zip": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    "application/x-ole-storage": ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
    "video/mp4": ("audio/mp4", "video/3gpp"),
}
"""A container's bytes look alike; within it the declared kind is believed."""


def sniff(head: bytes, declared: str = "") -> str:
    """The mime type of a file that begins with `head` (256 bytes suffice); `declared` only chooses among look-alikes."""
    wanted = declared.partition(";")[0].strip().lower()
    found = _by_bytes(head)
    if found is None:
        return wanted if wanted in ("text/plain", "text/csv") and _is_text(head) else UNKNOWN
    if wanted in _CONTAINERS.get(found, ()):
        return wanted
    return UNKNOWN if found == "application/x-ole-storage" else found


def extension(mime_type: str) -> str:
    """A safe file name ending; `.bin` for whatever we do not know."""
    return _EXTENSIONS.get(mime_type, ".bin")


def _by_bytes(head: bytes) -> str | None:
    for start, mime_type in _AT_START:
        if head.startswith(start):
            return mime_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "audio/mp4" if brand.startswith(b"M4A") else "video/3gpp" if brand.startswith(b"3g") else "video/mp4"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0x06 == 0 else "audio/mpeg"
    return None


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head
