"""Who wants a car read again: one flag for each adapter address, set here and cleared by whoever watches it."""

import asyncio


class Wishes:
    """``urls`` says which address each bay has; the process's root fills it in as bays come and go."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self._flags: dict[str, asyncio.Event] = {}

    def of(self, url: str) -> asyncio.Event:
        """The flag of one address."""
        return self._flags.setdefault(url, asyncio.Event())

    def bay_at(self, url: str) -> str:
        """The bay with this adapter; empty when there is none."""
        return next((name for name, known in self.urls.items() if known == url), "")
