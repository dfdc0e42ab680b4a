"""The published contract says what the code does."""

import json
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from referencing import Registry, Resource

from sync.codec import (
    COMPRESS_FROM_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    MAX_RECORD_BYTES,
    MAX_SEQ,
    REASON_LIMIT,
    encode_batch,
)
from sync.command import MAX_ANSWER_BYTES, MAX_COMMAND_BYTES, MAX_FACTS, MAX_LIFE_MS
from sync.digest import digest_of
from sync.schemas import MODELS, asyncapi, documents, write
from sync.wire import MAX_DIGEST_SPAN, MAX_SPANS, Ack, Nack, State
from tests.sync.samples import BODIES, record_json

MADE = documents()
REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"


@cache
def validator(name: str) -> Draft202012Validator:
    schemas = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in REFERENCE.glob("*.schema.json")}
    registry: Registry[object] = Registry().with_resources(
        (file, Resource.from_contents(schema)) for file, schema in schemas.items()
    )
    return Draft202012Validator(schemas[f"{name}.schema.json"], registry=registry)


@pytest.mark.parametrize("name", sorted(MADE))
def test_what_is_documented_is_what_the_models_say(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")

    assert written == MADE[name], "run: python -m sync.schemas docs/reference"


def test_they_are_written_into_a_folder_again_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "reference"
    for _ in range(2):
        write(folder, MADE)

    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == MADE


def test_the_page_names_the_bounds_that_the_code_keeps() -> None:
    page = " ".join((REFERENCE / "wire.md").read_text(encoding="utf-8").split())
    bounds = (
        f"a record at most {MAX_RECORD_BYTES / 2**20:g} MiB as JSON",
        f"a batch at most {MAX_BATCH_BYTES / 2**20:g} MiB inflated and {MAX_BATCH_RECORDS:,} records",
        f"a seq at most {MAX_SEQ:,}.",
        f"A command is at most {MAX_COMMAND_BYTES / 2**10:g} KiB, its answer at most {MAX_ANSWER_BYTES / 2**10:g} KiB",
        f"its life at most {MAX_LIFE_MS / 86_400_000:g} days, with at most {MAX_FACTS} facts",
        f"A question names at most {MAX_SPANS} ranges",
        f"for at most {MAX_DIGEST_SPAN} seqs, in {len(digest_of([]))} hexadecimal digits",
        f"deflated from {COMPRESS_FROM_BYTES} bytes on",
        f"The reason of a nack is at most {REASON_LIMIT} characters",
    )

    assert [words for words in bounds if words not in page] == []


@pytest.mark.parametrize("name", sorted(MODELS))
def test_each_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


@pytest.mark.parametrize("kind", BODIES)
def test_each_record_kind_fits_its_schema_alone_and_in_a_batch(kind: str) -> None:
    row = record_json(BODIES[kind])

    validator("record").validate(json.loads(row))
    validator("batch").validate({"v": 1, "s": "0a", "lo": 1, "r": [[1, json.loads(row)]]})


def test_a_batch_as_it_is_sent_fits_the_schema() -> None:
    validator("batch").validate(json.loads(encode_batch("0a", 1, [])))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("batch", {"v": 1, "s": "0a", "lo": 0, "r": []}),
        ("batch", {"v": 2, "s": "0a", "lo": 1, "r": []}),
        ("batch", {"v": 1, "s": "0a", "lo": 1, "r": [[1, {"t": 1}]]}),
        ("record", {"t": 1, "tq": "gps", "mono_ns": 1, "boot": "b", "body": {"kind": "clock", "wall_ms": 1}}),
        ("ack", {"s": "0a", "a": 1}),
        ("nack", {"s": "0a", "a": 1, "b": 1}),
    ],
)
def test_what_does_not_fit_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(ValidationError):
        validator(name).validate(wrong)


def test_answers_and_states_fit_their_schemas() -> None:
    validator("ack").validate(Ack(s="0a", a=1, b=2).model_dump())
    validator("nack").validate(Nack(s="0a", a=1, b=2, reason="no").model_dump())
    validator("state").validate(State(sid="x", online=True).model_dump())


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()

    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [str(value) for key, value in part.items() if key == "$ref"]
            return own + [found for value in part.values() for found in references(value)]
        return [found for value in part for found in references(value)] if isinstance(part, list) else []

    found = references(document)
    assert found
    for reference in found:
        if reference.startswith("./"):
            assert (REFERENCE / reference).is_file()
            continue
        place: object = document
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(place, dict)
            place = place[step]
