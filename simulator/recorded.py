"""Answers that a scenario gives byte by byte, as a real unit gave them: ``[car.ecu.answers]``."""

from simulator.toml_reader import Table

# Services whose answers may be given so; what changes a car is always answered by the model, and counted.
READING = tuple(bytes([service]) for service in (0x01, 0x02, 0x03, 0x06, 0x07, 0x09, 0x0A, 0x19, 0x1A, 0x21, 0x22))
LONGEST_REQUEST = 7
LONGEST_ANSWER = 4095
MOST_MESSAGES = 256

Answers = dict[bytes, tuple[bytes, ...]]


def recorded_answers(unit: Table) -> Answers:
    """By request, both in hex: one text, or a list with one text for each message; an empty list is silence."""
    table = unit.table("answers")
    if table is None:
        return {}
    return {_request(table, key): _messages(table, key, value) for key, value in unit.free("answers").items()}


def _request(table: Table, key: str) -> bytes:
    request = _raw(table, key, key)
    if request[:1] not in READING or len(request) > LONGEST_REQUEST:
        raise table.fail(key, "only a request that reads can be answered so")
    return request


def _messages(table: Table, key: str, value: object) -> tuple[bytes, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise table.fail(key, "wanted a text or a list of texts")
    messages = tuple(_raw(table, key, text) for text in texts)
    if len(messages) > MOST_MESSAGES or not all(0 < len(message) <= LONGEST_ANSWER for message in messages):
        raise table.fail(key, f"at most {MOST_MESSAGES} messages of 1 to {LONGEST_ANSWER} bytes")
    return messages


def _raw(table: Table, key: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise table.fail(key, f"{text[:40]!r} is not hexadecimal") from None
