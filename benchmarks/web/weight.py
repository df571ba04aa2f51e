"""What the pages weigh on their way to the browser."""

import gzip
from pathlib import Path

BUILT = Path(__file__).parents[2] / "services" / "api_gateway" / "pages" / "built"
JAVASCRIPT_BUDGET_KIB = 60


def measure() -> None:
    """Print the gzipped size of what was built, by kind."""
    for kind in (".js", ".css"):
        files = sorted((BUILT / "assets").glob(f"*{kind}"))
        sizes = {file.name: len(gzip.compress(file.read_bytes(), 9)) / 1024 for file in files}
        budget = f" of {JAVASCRIPT_BUDGET_KIB} allowed" if kind == ".js" else ""
        print(f"{kind.removeprefix('.')}: {sum(sizes.values()):.1f} KiB gzipped in all{budget}")
        for name, size in sizes.items():
            print(f"    {name} {size:.1f}")
