"""What the pages weigh: a phone on a bad line opens them too."""

from collections.abc import Callable

from benchmarks.web.weight import JAVASCRIPT_BUDGET_BYTES, gzipped


def test_all_scripts_together_stay_within_their_budget(figures: Callable[[str], None]) -> None:
    sizes = gzipped(".js")
    assert sizes, "the pages have not been built: make web"
    total = sum(sizes.values())
    figures(f"JavaScript of the pages: {total:,} bytes gzipped of {JAVASCRIPT_BUDGET_BYTES:,} allowed")
    assert total <= JAVASCRIPT_BUDGET_BYTES, sizes
