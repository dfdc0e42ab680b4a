"""Errors of the protocol layer, by what the caller does with them."""


class ProtocolError(Exception):
    """A peer broke the rules: drop the reply, count it, go on."""


class AdapterReplyError(ProtocolError):
    """The adapter's reply cannot be a reply (too long, never ending): throw the session away."""


class DecodeError(ProtocolError):
    """An answer's bytes do not fit the service they claim to answer."""


class CommandPendingError(RuntimeError):
    """A second command was sent before the first was answered: our bug, never caught."""


class ForbiddenCommandError(RuntimeError):
    """A command outside the allow-list reached the port: our bug; nothing was sent."""
