"""The built files, held in memory: what each is, how it is named, and in which codings it is there.

They are made by `make web`, from web/. There may be none: the API works without them.
"""

import hashlib
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

BUILT = Path(__file__).parent / "built"
# Best first. What is not compressed is sent as it is.
_CODINGS = {"br": ".br", "gzip": ".gz"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_TEXTS = re.compile(r"text/|image/svg")


@dataclass(frozen=True, slots=True)
class SiteFile:
    """One file in all its codings; `tag` changes with its content."""

    content_type: str
    tag: str
    bodies: Mapping[str, bytes]

    def coding_for(self, accepted: str) -> str:
        """The best coding that an Accept-Encoding header allows; `identity` where it allows none of ours."""
        refused = {name for name, weight in _weights(accepted).items() if weight == 0}
        wanted = _weights(accepted)
        for coding in _CODINGS:
            if coding in self.bodies and coding not in refused and (coding in wanted or wanted.get("*", 0) > 0):
                return coding
        return "identity"


@dataclass(frozen=True, slots=True)
class Site:
    """All of them: the one document every page begins with, what it loads, and the addresses of pages."""

    document: SiteFile
    assets: Mapping[str, SiteFile]
    pages: re.Pattern[str]

    @classmethod
    def load(cls, folder: Path = BUILT) -> Self | None:
        """What was built; None where nothing was, or not to its end."""
        try:
            pages = json.loads((folder / "pages.json").read_text())
            assets = {path.name: path for path in sorted((folder / "assets").iterdir())}
            return cls(
                document=_file(folder / "index.html"),
                assets={name: _file(path) for name, path in assets.items() if path.suffix not in _CODINGS.values()},
                pages=re.compile("|".join(_pattern(page) for page in pages)),
            )
        except FileNotFoundError:
            return None

    def is_page(self, path: str) -> bool:
        """Whether the address is a page's."""
        return self.pages.fullmatch(path) is not None


def _file(path: Path) -> SiteFile:
    content = path.read_bytes()
    bodies = {"identity": content}
    for coding, suffix in _CODINGS.items():
        compressed = path.with_name(path.name + suffix)
        if compressed.exists():
            bodies[coding] = compressed.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    content_type = f"{kind}; charset=utf-8" if _TEXTS.match(kind) else kind
    return SiteFile(content_type=content_type, tag=hashlib.sha256(content).hexdigest()[:24], bodies=bodies)


def _pattern(page: str) -> str:
    """`/monitors/:id` as the addresses it stands for."""
    parts = [re.escape(part) if not part.startswith(":") else "[^/]+" for part in page.strip("/").split("/")]
    return "/" + "/".join(parts) + "/?" if page != "/" else "/"


def _weights(accepted: str) -> dict[str, float]:
    """Codings of an Accept-Encoding header with their weights; what cannot be read counts as refused."""
    weights = {}
    for part in accepted.lower().split(",")[:20]:
        name, _, parameter = part.partition(";")
        try:
            weights[name.strip()] = float(parameter.partition("=")[2]) if parameter.strip() else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights
