"""``forecourt verify``: whether a sheet is as the box made it, byte for byte, and whether it still counts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from agent.device_key import public_key
from agent.premises import looking_vault
from agent.sheet_files import CHAIN_FILE, RENDERINGS, SEALED, content_of, file_name, read_chain
from config.catalogue import Language, has, render
from config.errors import SettingsError
from config.settings import Settings
from evidence.sheet.chain import Link, SealedSheet, canonical, fingerprint, first_break, sha256, withdrawal_of
from evidence.sheet.content import Sheet
from sync.vault import PLAIN, Vault

WHOLE, CHANGED = 0, 1
SHEET_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at; ``key`` is the sentence below ``verify``."""

    key: str
    params: dict[str, str | int]
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What a sheet is held against: the box's own key ("" elsewhere), a fingerprint asked for, the chain.

    ``vault`` reads what the box itself keeps encrypted.
    """

    own_key: str = ""
    wanted: str = ""
    chain: tuple[Link, ...] = ()
    chain_named: bool = False
    vault: Vault = PLAIN


def verify_sheet(path: Path, settings: Settings, language: Language, *, key: str, chain: Path | None) -> int:
    """Print what was found, a line each; 1 when a byte was changed, 0 when all is whole (withdrawn or not)."""
    folder = settings.storage.directory
    vault = looking_vault(settings.storage)
    mirror = chain or folder / "sheets" / CHAIN_FILE
    own = public_key(folder, vault)
    known = Known(own, _compact(key), _chain(mirror, vault, asked=chain is not None), chain is not None, vault)
    sealed = _sealed_files(path)
    lines = [line for one in sealed for line in _lines(one, known, language)]
    if path.is_file() and not _is_one_of(path, sealed[0]):
        lines.append(_copy(path, sealed[0], vault))
    for line in lines:
        print(render(f"verify.{line.key}", language, **_plain(line.params)))
    return CHANGED if any(line.wrong for line in lines) else WHOLE


def _chain(path: Path, vault: Vault, *, asked: bool) -> tuple[Link, ...]:
    """The chain's links; none when nobody named one and there is no file, or no key to read it with."""
    if not asked and not path.is_file():
        return ()
    try:
        return read_chain(path, vault)
    except SettingsError:
        if asked:
            raise
        return ()
    except (OSError, ValidationError) as error:
        raise SettingsError(f"{path}: not a readable chain; take {CHAIN_FILE} from the box") from error


def _sealed_files(path: Path) -> list[Path]:
    """The sealed value beside whatever was named, its JSON or one of its renderings; in a folder, every one of it."""
    if path.is_dir():
        if found := sorted(path.glob(f"sheet-*.{SEALED}")):
            return found
        path = path / file_name(1, SEALED)
    stem = path.name.split(".")[0]
    sealed = path.with_name(f"{stem}.{SEALED}")
    if not path.is_file() or not sealed.is_file():
        raise SettingsError(
            f"{sealed if path.is_file() else path}: no such file; name a sheet with its .json beside it"
        )
    return [sealed]


def _is_one_of(path: Path, sealed: Path) -> bool:
    """Whether ``path`` is a file that a sheet is handed out as, under its own name."""
    return path.name in {f"{sealed.stem}.{kind}" for kind in (SEALED, *RENDERINGS)}


def _copy(path: Path, sealed: Path, vault: Vault) -> Line:
    """A file under a name of its own (``sheet-0001.en (1).pdf``) is whole when it is a copy of one that was sealed."""
    try:
        renderings = SealedSheet.model_validate_json(_bytes_of(sealed, vault)).link.statement.renderings
    except ValueError:
        renderings = {}
    whole = sha256(_bytes_of(path, vault)) in renderings.values()
    return Line("whole" if whole else "changed", {"file": path.name}, wrong=not whole)


def _bytes_of(path: Path, vault: Vault) -> bytes:
    return content_of(path, vault, SHEET_MAX_BYTES + 1)


def _plain(params: Mapping[str, str | int]) -> dict[str, str | int]:
    """What a stranger's file says, with nothing that moves a terminal's cursor or names another sentence."""
    return {name: _shown(value) if isinstance(value, str) else value for name, value in params.items()}


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text).lstrip("@")


def _lines(path: Path, known: Known, language: Language) -> Iterator[Line]:
    data = _bytes_of(path, known.vault)
    try:
        sealed = SealedSheet.model_validate_json(data)
        sealed.to_bytes()
    except ValueError:  # no sheet, or one of numbers that no sheet can hold
        yield Line("changed", {"file": path.name}, wrong=True)
        return
    said = sealed.link.statement
    yield from _seal(path, data, sealed)
    for kind in RENDERINGS:
        beside = path.with_name(f"{path.name.split('.')[0]}.{kind}")
        yield from _rendering(beside, said.renderings.get(kind, ""), known.vault)
    yield from _signer(sealed.link, known)
    yield from _in_chain(sealed.link, known, language)


def _seal(path: Path, data: bytes, sealed: SealedSheet) -> Iterator[Line]:
    """The sealed value itself: its bytes, what the link says of it, and the signature."""
    link = sealed.link
    if data != sealed.to_bytes() or sha256(canonical(sealed.sheet)) != link.statement.content:
        yield Line("changed", {"file": path.name}, wrong=True)
    elif not link.genuine() or not _is_issued_by(link, sealed.sheet):
        yield Line("bad_signature", {"file": path.name}, wrong=True)
    else:
        yield Line("whole", {"file": path.name})


def _is_issued_by(link: Link, sheet: Sheet) -> bool:
    """Whether the sheet's own words about who made it, which are what is printed, are those of its seal."""
    said, issue = link.statement, sheet.issue
    printed = (issue.number, issue.device, issue.key)
    return said.kind == "sheet" and printed == (said.number, said.device, fingerprint(link.key))


def _rendering(path: Path, expected: str, vault: Vault) -> Iterator[Line]:
    if not path.is_file():
        yield Line("absent", {"file": path.name})
    elif sha256(_bytes_of(path, vault)) == expected:
        yield Line("whole", {"file": path.name})
    else:
        yield Line("changed", {"file": path.name}, wrong=True)


def _signer(link: Link, known: Known) -> Iterator[Line]:
    shown = fingerprint(link.key)
    params: dict[str, str | int] = {"device": link.statement.device, "fingerprint": shown}
    if known.wanted:
        matches = known.wanted in (_compact(shown), link.key)
        yield Line("signer_as_asked" if matches else "signer_other", params, wrong=not matches)
    elif link.key == known.own_key:
        yield Line("signer_own", params)
    else:
        yield Line("signer_unknown", params)


def _in_chain(link: Link, known: Known, language: Language) -> Iterator[Line]:
    """Where the chain stands: whole, holding this very link, and whether a later link withdrew it."""
    said = link.statement
    if not known.chain or not (known.chain_named or _shares_a_key(link, known.chain)):
        yield Line("no_chain", {})
        return
    if broken := first_break(known.chain):
        yield Line("chain_broken", {"number": broken}, wrong=True)
        return
    if said.number > len(known.chain) or known.chain[said.number - 1] != link:
        yield Line("not_in_chain", {"number": said.number}, wrong=True)
        return
    yield from _standing(link, known, language)


def _standing(link: Link, known: Known, language: Language) -> Iterator[Line]:
    number = link.statement.number
    withdrawn = withdrawal_of(known.chain, number, {link.key, known.own_key})
    if withdrawn is None:
        last = known.chain[-1].statement  # a chain cut short cannot hide its end
        yield Line("stands", {"number": number, "last": last.number, "when": last.at.date().isoformat()})
        return
    why = render(withdrawn.why, language) if has(withdrawn.why) else withdrawn.why.lstrip("@")
    params: dict[str, str | int] = {"number": number, "when": withdrawn.at.date().isoformat(), "why": why}
    if withdrawn.replaced_by:
        yield Line("withdrawn_replaced", params | {"replaced_by": withdrawn.replaced_by})
    else:
        yield Line("withdrawn", params)


def _shares_a_key(link: Link, chain: Collection[Link]) -> bool:
    """Whether the chain at hand can be this sheet's: another box's says nothing about it."""
    return any(one.key == link.key for one in chain)


def _compact(key: str) -> str:
    return "".join(key.split()).lower()
