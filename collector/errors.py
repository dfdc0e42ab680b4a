"""Errors of the collector, by what the caller does with them."""


class AdapterLostError(Exception):
    """The link to the adapter is gone or was never there: close it, wait, open a new one.

    ``reason`` is a catalogue key (``adapter.refused``); ``detail`` is what the system said, at most 200 characters.
    """

    def __init__(self, reason: str, detail: object = "") -> None:
        self.reason = reason
        self.detail = str(detail)[:200]
        super().__init__(f"{reason}: {self.detail}" if self.detail else reason)


class CarSilentError(Exception):
    """The adapter works and no car answers behind it: a result for the bay, not a fault of the link."""
