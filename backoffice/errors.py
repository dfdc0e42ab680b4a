"""Errors of the back office, by what the caller does with them."""


class StoreBusyError(Exception):
    """Another process holds the store's file, or more than one was asked for: the owner must choose one (exit 2)."""


class StoreFailedError(Exception):
    """The database can't be opened or written: nothing was acknowledged; the owner must act (exit 3)."""


class PortError(Exception):
    """The web page's address can't be used: the owner must choose another (exit 2)."""


class UnknownVehicleError(Exception):
    """No car goes by that id or VIN: the caller answers 404."""


class UnknownAlertError(Exception):
    """No alert goes by that id: the caller answers 404."""


class QueueFullError(Exception):
    """A box has as many commands waiting as it may: wait until it answers (API 409)."""
