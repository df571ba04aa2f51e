"""Fewer and shorter garbage collections in a process that serves for long.

What was imported stays for good: looked through by each full collection, it would hold up the loop for tens of
milliseconds, in the middle of somebody's check. And a service makes and drops so many objects that the interpreter's
own measure has it look for cycles hundreds of times a second, of which there are next to none.
"""

import contextlib
import gc
from collections.abc import Iterator

# Objects made and not yet dropped, between two looks at the young ones; the interpreter's own is 700.
YOUNG_OBJECTS = 10_000


@contextlib.contextmanager
def collections_spared() -> Iterator[None]:
    """From now on, until left; enter once all is imported."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
