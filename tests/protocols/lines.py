"""Lines and short forms that several tests of assembling use."""

from protocols.messages import Assembly

VIN_LINES = ("7E8 10 14 49 02 01 57 50 30", "7E8 21 5A 5A 5A 39 39 5A 54", "7E8 22 53 30 30 30 38 35 36")


def payloads(assembly: Assembly) -> list[tuple[str, str]]:
    """Unit and payload (hex) of every message."""
    return [(message.ecu, message.payload.hex().upper()) for message in assembly.messages]
