"""What the bay page shows at one moment, and what of it somebody who saw an earlier moment must still be told."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Card:
    """``form`` names the intake its form (``body``) belongs to: only when that changes may typed text be replaced."""

    key: str
    form: str
    head: str
    body: str
    tail: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Cards by section, in order, and the line that says how delivery stands."""

    sections: Mapping[str, Sequence[Card]]
    link: str

    def since(self, earlier: "Picture | None") -> dict[str, Any]:
        """As JSON: the place of every card, and those cards whole that ``earlier`` did not show just so."""
        seen = earlier.by_key() if earlier else {}
        return {
            "sections": {name: [card.key for card in cards] for name, cards in self.sections.items()},
            "cards": [asdict(card) for key, card in self.by_key().items() if seen.get(key) != card],
            "link": self.link,
        }

    def by_key(self) -> dict[str, Card]:
        """Every card by its key."""
        return {card.key: card for cards in self.sections.values() for card in cards}
