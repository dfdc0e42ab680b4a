"""What can go wrong between the edge's disk and the back office, named by what the caller does about it."""


class OutboxError(Exception):
    """The outbox cannot be used; stop taking records, say the reason in one line and open it anew."""


class OutboxFullError(OutboxError):
    """The quota is used up by records that may not be given up; nothing of this append was kept."""


class UpstreamError(Exception):
    """No delivery for now; what is owed stays in the outbox."""


class UpstreamLostError(UpstreamError):
    """The broker is away or broke off; keep buffering, connect again after a growing pause."""


class UpstreamRefusedError(UpstreamError):
    """The broker says no (password, certificate, access list): a person must change the configuration.

    ``key`` names the sentence for people in the message catalogue, ``detail`` is what the broker said.
    """

    def __init__(self, message: str, *, key: str = "mqtt.refused", detail: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.detail = detail


class NotStoredError(Exception):
    """The receiving store cannot commit now; nothing is acknowledged and the same batch is asked for again."""


def gravest(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one error to raise for a group of them: an unusable outbox first, then a refusal, then a loss.

    A refusal outranks the broken connection it caused. What is none of these is a defect and stays the group it is.
    """
    known, defects = errors.split((OutboxError, UpstreamError))
    if defects is not None or known is None:
        return errors
    return _first(known.subgroup(OutboxError) or known.subgroup(UpstreamRefusedError) or known)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
