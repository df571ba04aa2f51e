"""What the pages weigh on their way to the browser."""

import gzip
from pathlib import Path

BUILT = Path(__file__).parents[2] / "services" / "api_gateway" / "pages" / "built"
JAVASCRIPT_BUDGET_BYTES = 60_000


def gzipped(kind: str) -> dict[str, int]:
    """Of every file of this kind that was built, how many bytes are sent to a browser that unpacks gzip."""
    return {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in sorted(BUILT.rglob(f"*{kind}"))}


def measure() -> None:
    """Print the gzipped size of what was built, by kind."""
    for kind in (".js", ".css"):
        sizes = gzipped(kind)
        budget = f" of {JAVASCRIPT_BUDGET_BYTES:,} allowed" if kind == ".js" else ""
        print(f"{kind.removeprefix('.')}: {sum(sizes.values()):,} bytes gzipped in all{budget}")
        for name, size in sizes.items():
            print(f"    {name} {size:,}")
