"""The list as its page asks for it: any page of it, searched and filtered."""

import time
from statistics import quantiles

import aiohttp

LIST = "/api/imap-pop-monitors"
WARM_UP = 20

QUESTIONS = {
    "worst first": "sort=worst",
    "another page": "sort=worst&page=100",
    "a search": "sort=worst&search=mail42",
    "what is down": "sort=worst&health=down",
    "by name, 200 of them": "sort=name&perPage=200",
}


async def measure(address: str, token: str, *, rounds: int) -> None:
    """Print the figures of each question: milliseconds at the API, asked one after the other."""
    print(f"{'list of monitors':24}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for words, question in QUESTIONS.items():
            took = [await _once(session, f"{address}{LIST}?view=overview&{question}") for _ in range(WARM_UP + rounds)]
            cuts = quantiles(took[WARM_UP:], n=100)
            print(f"{words:24}{cuts[49]:9.1f}{cuts[94]:9.1f}{max(took[WARM_UP:]):9.1f}", flush=True)


async def _once(session: aiohttp.ClientSession, url: str) -> float:
    started = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the list answered {answer.status}")
    return (time.perf_counter() - started) * 1000
