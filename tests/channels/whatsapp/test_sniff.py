import pytest

from leadkeeper.channels.whatsapp.sniff import UNKNOWN, extension, sniff

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("head", "declared", "mime_type", "ending"),
    [
        (b"\xff\xd8\xff\xe0", "image/png", "image/jpeg", ".jpg"),
        (b"\x89PNG\r\n\x1a\n", "", "image/png", ".png"),
        (b"GIF89a", "", "image/gif", ".gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "image/webp", ".webp"),
        (b"OggS\x00", "audio/ogg; codecs=opus", "audio/ogg", ".ogg"),
        (b"ID3\x04", "", "audio/mpeg", ".mp3"),
        (b"\xff\xfb\x90", "", "audio/mpeg", ".mp3"),
        (b"\xff\xf1\x50", "", "audio/aac", ".aac"),
        (b"#!AMR\n", "", "audio/amr", ".amr"),
        (b"\x00\x00\x00\x18ftypisom", "", "video/mp4", ".mp4"),
        (b"\x00\x00\x00\x18ftypM4A ", "", "audio/mp4", ".m4a"),
        (b"\x00\x00\x00\x18ftypisom", "audio/mp4", "audio/mp4", ".m4a"),
        (b"\x00\x00\x00\x18ftyp3gp4", "", "video/3gpp", ".3gp"),
        (b"%PDF-1.7", "text/html", "application/pdf", ".pdf"),
        (b"PK\x03\x04", DOCX, DOCX, ".docx"),
        (b"PK\x03\x04", "text/html", "application/zip", ".zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "application/msword", ".doc"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "image/svg+xml", UNKNOWN, ".bin"),
        (b"name,price\n", "text/csv", "text/csv", ".csv"),
        (b"hello", "text/plain", "text/plain", ".txt"),
        (b"he\x00llo", "text/plain", UNKNOWN, ".bin"),
        (b"<html>", "text/html", UNKNOWN, ".bin"),
        (b"<svg onload=alert(1)>", "image/svg+xml", UNKNOWN, ".bin"),
        (b"", "", UNKNOWN, ".bin"),
    ],
)
def test_a_file_is_what_its_bytes_say(head: bytes, declared: str, mime_type: str, ending: str) -> None:
    assert sniff(head, declared) == mime_type
    assert extension(mime_type) == ending
