"""The one line that says how delivery stands: what a person must act on comes before what time will heal."""

import pytest

from agent.looks import Looks
from config.catalogue import Language
from sync.publisher import PublisherState

REFUSED = PublisherState(refused="no", refused_key="mqtt.refused_topic", fullness=0.9)
LINES = {
    "access list": REFUSED,
    "85 % full": PublisherState(fullness=0.85, buffered=7),
    "no back office confirms": PublisherState(connected=True, unanswered=True, buffered=7),
    "not reached": PublisherState(buffered=7),
    "7 to go": PublisherState(connected=True, buffered=7),
}


@pytest.mark.parametrize("part", LINES)
def test_the_line_says_what_matters_most(part: str) -> None:
    looks = Looks.__new__(Looks)
    looks._link = lambda: LINES[part]

    assert part in looks._link_line(Language.EN)
    assert looks._link_line(Language.ZH) != looks._link_line(Language.EN)
