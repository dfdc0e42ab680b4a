"""How a request is written for the adapter at hand: as bytes with a count digit, or as STPX of an STN chip.

STPX carries header, request, count of lines and wait in one line, so that no setting is changed and none left behind.
It sends whatever it is given: the guard judges its fields like any request.
"""

LINES_BY_DIGIT = 15  # one hexadecimal digit
LINES_BY_STPX = 99  # as many as the list of what is sent lets through


def spelled(request: bytes, lines: int | None, *, stpx: bool, unit: str = "", wait_ms: int = 0) -> str:
    """The line for ``request``: after so many ``lines`` (None: unknown) the adapter stops waiting for more.

    With ``stpx`` the request may go to another ``unit`` (CAN id, hex) than the adapter addresses, and be waited for
    otherwise than it is set to. Without, both are left to its settings.
    """
    text = request.hex().upper()
    count = lines or 0
    if stpx and (unit or wait_ms or LINES_BY_DIGIT < count <= LINES_BY_STPX):
        fields = [f"H:{unit}" if unit else "", f"D:{text}"]
        fields += [f"R:{count}" if 0 < count <= LINES_BY_STPX else "", f"T:{wait_ms}" if wait_ms else ""]
        return "STPX" + ",".join(filter(None, fields))
    return text + (f"{count:X}" if 0 < count <= LINES_BY_DIGIT else "")
