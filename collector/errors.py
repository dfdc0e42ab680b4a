"""Errors of the collector, by what the caller does with them."""


class AdapterLostError(Exception):
    """The link to the adapter is gone or was never there: close it, wait, open a new one."""
