"""House rules about what browsers get: no inline code, mirrored layouts, little script."""

import re
from collections.abc import Iterator

from dev.house.tree import Finding, Source, Tree

MOST_SCRIPT_LINES = 800
PAGES = ("leadkeeper",)
PHYSICAL = re.compile(
    r"(?<![\w-])(?:left|right|(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right)[\w-]*"
    r"|border-(?:top|bottom)-(?:left|right)-radius)\s*:|(?<![\w-])(?:float|clear|text-align)\s*:\s*(?:left|right)\b"
)
INLINE = (
    (re.compile(r"<script\b(?![^>]*\bsrc=)", re.I), "inline script"),
    (re.compile(r"<style\b", re.I), "inline style sheet"),
    (re.compile(r"<[^>]*\sstyle\s*=", re.I), "style attribute"),
    (re.compile(r"<[^>]*\son[a-z]+\s*=", re.I), "event attribute"),
    (re.compile(r"javascript:", re.I), "javascript: address"),
)


def templates_hold_no_code(tree: Tree) -> Iterator[Finding]:
    """Pages work under a Content-Security-Policy of 'self' alone."""
    for source in tree.under(PAGES, ".html"):
        text = _blanked(source.text, r"\{#.*?#\}", r"<!--.*?-->")
        for pattern, what in INLINE:
            for found in pattern.finditer(text):
                yield source.at(text.count("\n", 0, found.start()) + 1, f"{what}: the page's policy refuses it")


def styles_mirror(tree: Tree) -> Iterator[Finding]:
    """Logical properties only, so that right-to-left languages get the mirrored page."""
    for source in tree.under(PAGES, ".css"):
        yield from _physical(source)


def _physical(source: Source) -> Iterator[Finding]:
    text = _blanked(source.text, r"/\*.*?\*/")
    for number, line in enumerate(text.splitlines(), 1):
        if found := PHYSICAL.search(line):
            yield source.at(number, f"{found.group().strip()!r} does not mirror: use inline-start or inline-end")


def little_script(tree: Tree) -> Iterator[Finding]:
    """All our JavaScript together has at most 800 lines, and none of it talks to the browser's console."""
    total = 0
    for source in tree.under(PAGES, ".js"):
        total += len(source.lines)
        for number, line in enumerate(source.lines, 1):
            if re.search(r"\bconsole\.\w+\(|\bdebugger\b", line):
                yield source.at(number, "was left behind by a search for a bug")
    if total > MOST_SCRIPT_LINES:
        yield Finding("leadkeeper/**/*.js", f"{total} lines of JavaScript, at most {MOST_SCRIPT_LINES}")


def _blanked(text: str, *patterns: str) -> str:
    """`text` with what the patterns match taken out, its line breaks kept."""
    for pattern in patterns:
        text = re.sub(pattern, lambda found: "\n" * found.group().count("\n"), text, flags=re.S)
    return text


RULES = (templates_hold_no_code, styles_mirror, little_script)
