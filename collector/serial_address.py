"""Serial ports by name: device and baud rate of an address, and what a failed opening means to a person."""

import errno
import re

from collector.errors import AdapterLostError

DEFAULT_BAUD = 38_400  # ELM327 data sheet: factory rate with pin 6 high


def split_serial_address(address: str) -> tuple[str, int]:
    """Part ``/dev/ttyUSB0?baud=115200`` into device and baud rate; raise AdapterLostError when it is neither."""
    device, _, query = address.partition("?")
    match = re.fullmatch(r"baud=(\d{3,7})", query)
    if query and match is None:
        raise AdapterLostError("adapter.unknown_url", address)
    return device, int(match[1]) if match else DEFAULT_BAUD


def reason_of(error: BaseException) -> str:
    """Name what a person can do about a port that would not open."""
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return "adapter.no_permission"
    if number in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error).lower():
        return "adapter.busy"
    return "adapter.no_connection"
