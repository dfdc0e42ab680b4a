"""Prints sheets as PDF in a short-lived child process: what the library takes of memory is given back at once."""

import asyncio
import base64
import json
import sys
from asyncio.subprocess import PIPE

from agent.errors import WorldError
from config.catalogue import Language
from evidence.sheet.content import Sheet

PRINT_TIMEOUT_S = 60.0
DETAIL_MAX = 200


async def print_pdfs(sheet: Sheet) -> dict[Language, bytes]:
    """The sheet in every language; raise WorldError when printing fails or takes longer than PRINT_TIMEOUT_S."""
    command = (sys.executable, "-P", "-m", print_pdfs.__module__)
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(PRINT_TIMEOUT_S):
            printed, said = await child.communicate(sheet.model_dump_json(by_alias=True).encode())
    except TimeoutError as error:
        raise WorldError("sheet_error.not_printed", detail=f"{PRINT_TIMEOUT_S:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise WorldError("sheet_error.not_printed", detail=" ".join(last)[:DETAIL_MAX])
    return {Language(name): base64.b64decode(data) for name, data in json.loads(printed).items()}


def main() -> None:
    """The child: a sheet as JSON on standard input, its PDFs as JSON on standard output."""
    from evidence.sheet.pdf import pdf_of

    sheet = Sheet.model_validate_json(sys.stdin.buffer.read())
    printed = {language: base64.b64encode(pdf_of(sheet, language)).decode() for language in Language}
    sys.stdout.write(json.dumps(printed))


if __name__ == "__main__":
    main()
