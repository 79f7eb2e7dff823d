"""Addresses people type into forms: are they addresses at all, and may a secret travel to them?"""

import ipaddress
from urllib.parse import urlsplit


def origin(text: str) -> str:
    """`https://desk.example.com` of an address; empty when it is none."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    named = host.isascii() and all(sign.isalnum() or sign in "-._:" for sign in host) and host
    if parts.scheme not in ("http", "https") or not named or parts.username is not None:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def takes_secrets(text: str) -> bool:
    """True for https, and for http within this machine or its own network: a secret must not cross the internet in clear."""
    found = origin(text)
    if found.startswith("https://"):
        return True
    host = urlsplit(found).hostname or ""
    if not found or host == "localhost" or ("." not in host and ":" not in host):
        return bool(found)
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
