"""Who there is in the grid: two customers of one organization, and another organization.

Each has a word of its own that stands in every text kept of it: one look at an answer tells whose data is in it.
"""

from dataclasses import dataclass, field
from typing import Any

# Words that come up nowhere else.
OWN, BESIDE, SHARED, INNER, FOREIGN = "zqkestrel", "zqplover", "zqaviary", "zqaerie", "zqheron"


@dataclass(slots=True)
class Tenant:
    """A customer with all that is kept of it.

    `word`: in everything of the customer. `shared_word`: in what its organization's customers share, such as tags.
    `rows`: what was planted, by table.
    """

    word: str
    shared_word: str
    organization_id: int
    customer_id: int | None = None
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def public_ids(self) -> set[str]:
        """The ids by which its things could be named."""
        return {str(row["public_id"]) for row in self.rows.values() if row.get("public_id") is not None}
