"""Whoever applies what changed, picture after picture, sees what the box shows."""

from hypothesis import given
from hypothesis import strategies as st

from agent.picture import Card, Picture

TEXT = st.sampled_from(["", "read", "complete"])
CARDS = st.builds(Card, st.sampled_from("abcd"), TEXT, TEXT, TEXT, TEXT)
PICTURES = st.lists(CARDS, unique_by=lambda card: card.key).flatmap(
    lambda cards: st.builds(
        lambda cut, link: Picture({"bays": cards[:cut], "awaiting": cards[cut:]}, link),
        st.integers(0, len(cards)),
        TEXT,
    )
)


@given(st.lists(PICTURES, min_size=1))
def test_what_changed_picture_after_picture_makes_the_last_one(pictures: list[Picture]) -> None:
    told: dict[str, dict[str, str]] = {}
    earlier = None
    for picture in pictures:
        news = picture.since(earlier)
        told |= {card["key"]: card for card in news["cards"]}
        told = {key: told[key] for keys in news["sections"].values() for key in keys}  # as the page forgets the rest
        earlier = picture

    shown = {name: [Card(**told[key]) for key in keys] for name, keys in news["sections"].items()}
    assert Picture(shown, news["link"]) == pictures[-1]


def test_the_same_picture_tells_no_card_again() -> None:
    picture = Picture({"bays": [Card("bay-1", "i1", "VIN", "form", "")]}, "delivered")

    assert picture.since(None)["cards"] == [{"key": "bay-1", "form": "i1", "head": "VIN", "body": "form", "tail": ""}]
    assert picture.since(picture)["cards"] == []
