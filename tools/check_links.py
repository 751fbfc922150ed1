"""Every link in the project's Markdown that stays in the project leads somewhere.

Files and headings are looked at, on this machine only: addresses of the web are not asked.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.tracked import tracked_files

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = MarkdownIt("commonmark").enable("table")
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)=[\"']([^\"']+)", re.IGNORECASE)


def problems(files: Iterable[Path], root: Path) -> Iterator[str]:
    """Each dead link as `file:line: link: what is missing`."""
    for path in files:
        name = path.relative_to(root).as_posix()
        for line, link in _links(_parse(path)):
            missing = _missing(path, link, root)
            if missing:
                yield f"{name}:{line}: {link}: {missing}"


def anchors(tokens: Iterable[Token]) -> set[str]:
    """The anchors that a code host makes of the headings, and those written as HTML."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    heading = False
    for token in tokens:
        if token.type == "inline" and heading:
            slug = _slug(token)
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        heading = token.type == "heading_open"
        for part in (token, *(token.children or ())):
            if part.type in {"html_block", "html_inline"}:
                found.update(HTML_ANCHOR.findall(part.content))
    return found


def _slug(heading: Token) -> str:
    kept = (part.content for part in heading.children or () if part.type in {"text", "code_inline"})
    text = "".join(kept).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _links(tokens: Iterable[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        line = token.map[0] + 1 if token.map else 0
        for part in (token, *(token.children or ())):
            if part.type == "link_open":
                yield line, str(part.attrs["href"])
            elif part.type == "image":
                yield line, str(part.attrs["src"])
            elif part.type in {"html_block", "html_inline"}:
                yield from ((line, link) for link in HTML_LINK.findall(part.content))


def _missing(path: Path, link: str, root: Path) -> str:
    """What the link lacks, or nothing."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(root):
        return "outside the project"
    if not target.exists():
        return "no such file"
    fragment = unquote(parts.fragment)
    if fragment and target.suffix == ".md" and fragment not in anchors(_parse(target)):
        return "no such heading"
    return ""


@cache
def _parse(path: Path) -> list[Token]:
    return MARKDOWN.parse(path.read_text(encoding="utf-8"))


def main() -> int:
    documents = [path for path in tracked_files(ROOT) if path.suffix == ".md"]
    found = list(problems(documents, ROOT))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
