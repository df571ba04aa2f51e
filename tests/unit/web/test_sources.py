"""What no page may do: read text as markup, load anything from elsewhere, or name an address of somebody else."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "web"
SOURCES = sorted(path for path in (WEB / "src").rglob("*") if path.suffix in (".ts", ".tsx", ".css", ".svg"))
# Each would let text from a mail server become part of a page, or a script.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function"
)
FAR = re.compile(r"https?://(?!www\.w3\.org/2000/svg)\w")


def test_there_are_sources() -> None:
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", [*SOURCES, WEB / "index.html"], ids=lambda path: str(path.relative_to(WEB)))
def test_text_stays_text_and_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert MARKUP.search(text) is None
    assert FAR.search(text) is None


def test_the_lock_file_names_no_place_packages_come_from() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()


def test_every_page_is_named_once() -> None:
    paths = re.findall(r'path: "([^"]+)"', (WEB / "src" / "pages" / "index.ts").read_text())
    assert len(paths) == len(set(paths)) > 0
    assert all(not path.startswith(("/api", "/assets", "/livez", "/readyz")) for path in paths)
