"""What people searched for, kept here under an opaque token: a VIN or a plate never stands in a page's address."""

import secrets
from collections import OrderedDict

MAX_SEARCHES = 1000
MAX_LENGTH = 64


class SearchMemory:
    """The latest searches of all readers. A forgotten one simply lists all cars again."""

    def __init__(self, limit: int = MAX_SEARCHES) -> None:
        self._limit = limit
        self._searches: OrderedDict[str, str] = OrderedDict()

    def keep(self, q: str) -> str:
        """Remember ``q`` (cut at 64 characters) and return its token."""
        token = secrets.token_urlsafe(9)
        self._searches[token] = q.strip()[:MAX_LENGTH]
        while len(self._searches) > self._limit:
            self._searches.popitem(last=False)
        return token

    def recall(self, token: str) -> str:
        """The search behind ``token``; "" when it is unknown."""
        if token in self._searches:
            self._searches.move_to_end(token)
        return self._searches.get(token, "")
