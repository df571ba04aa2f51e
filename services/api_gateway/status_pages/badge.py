"""A page's state as a badge: a small image for other pages. Pure."""

from html import escape

from services.api_gateway.status_pages.standing import Standing, State

_WORDS = {
    State.MAJOR: ("outage", "#b42318"),
    State.PARTIAL: ("partial outage", "#b42318"),
    State.DEGRADED: ("degraded", "#8a5a00"),
    State.UNKNOWN: ("no recent data", "#57606a"),
    State.MAINTENANCE: ("maintenance", "#0a58b5"),
    State.OPERATIONAL: ("operational", "#1a7f37"),
}
_LABEL = "status"
# Of a letter of eleven pixels of Verdana and the like, on average; the text is made to fit what is worked out by it.
_LETTER = 6.5
_MARGIN = 6


def badge(shown: Standing) -> str:
    """An SVG image, with its words as a title for those who do not see it."""
    word, colour = _WORDS[shown.state]
    label_width, word_width = _width(_LABEL), _width(word)
    width = label_width + word_width
    title = escape(f"{shown.title}: {word}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" viewBox="0 0 {width} 20" role="img" '
        f'aria-labelledby="title"><title id="title">{title}</title>'
        f'<clipPath id="round"><rect width="{width}" height="20" rx="3"/></clipPath><g clip-path="url(#round)">'
        f'<rect width="{label_width}" height="20" fill="#3d444d"/>'
        f'<rect x="{label_width}" width="{word_width}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">'
        f"{_text(_LABEL, 0)}{_text(word, label_width)}</g></svg>\n"
    )


def _text(text: str, left: int) -> str:
    return f'<text x="{left + _MARGIN}" y="14" textLength="{_width(text) - 2 * _MARGIN}">{escape(text)}</text>'


def _width(text: str) -> int:
    return round(len(text) * _LETTER) + 2 * _MARGIN
