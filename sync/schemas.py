"""JSON Schemas and the AsyncAPI document of the wire, generated from the models so that they cannot drift.

Regenerate with ``python -m sync.schemas docs/reference``; a test compares what lies there.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from evidence.snapshot import Snapshot
from sync.command import (
    Command,
    CommandAnswer,
    FactsReport,
    FactsWanted,
    HealthReport,
    IntakeReport,
    IntakeWanted,
    ResendReport,
    ResendWanted,
    RulesReport,
)
from sync.command_facts import FACT
from sync.records import Record
from sync.wire import DEVICE_PATTERN, TOPIC_ROOT, WIRE_VERSION, Account, Ack, Batch, Nack, Question, State

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODELS: dict[str, type[BaseModel]] = {
    "snapshot": Snapshot,
    "record": Record,
    "batch": Batch,
    "ack": Ack,
    "nack": Nack,
    "question": Question,
    "account": Account,
    "state": State,
    "command": Command,
    "command_answer": CommandAnswer,
    "intake_wanted": IntakeWanted,
    "resend_wanted": ResendWanted,
    "facts_wanted": FactsWanted,
    "intake_report": IntakeReport,
    "resend_report": ResendReport,
    "rules_report": RulesReport,
    "health_report": HealthReport,
    "facts_report": FactsReport,
}
MESSAGES = ("batch", "ack", "nack", "question", "account", "state", "command", "command_answer")
Json = dict[str, object]


def documents() -> dict[str, str]:
    """Return the text of each generated file by its name."""
    made = {f"{name}.schema.json": schema_of(name) for name in MODELS}
    made["fact.schema.json"] = {"$schema": DIALECT, "$id": "fact.schema.json"} | FACT.json_schema()
    made["asyncapi.json"] = asyncapi()
    return {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in made.items()}


def schema_of(name: str) -> Json:
    """Return the JSON Schema of one model, named so that the others can refer to it."""
    schema = MODELS[name].model_json_schema(by_alias=True)
    if name == "batch":
        row = schema["properties"]["r"]["items"]["prefixItems"]
        row[1] = {"$ref": "record.schema.json"}
    return {"$schema": DIALECT, "$id": f"{name}.schema.json"} | schema


def asyncapi() -> Json:
    """Return the AsyncAPI 3 document: which topic carries what, who sends and who receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Forecourt wire",
            "version": f"{WIRE_VERSION}.0.0",
            "description": "Between edge agents and the back office, over MQTT. A record's identity is device, stream"
            " and seq; the edge forgets a record only after an ack from the back office.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "batches": _channel(
                "t", "batch", "Records, deflated when the first byte is 0x78; QoS 1, not retained.", "question"
            ),
            "answers": _channel("ack", "ack", "Answers after the commit; QoS 1.", "nack", "account"),
            "state": _channel("state", "state", "Birth and last will; QoS 1, retained."),
            "commands": _channel(
                "cmd", "command", "Carried out at most once per id; QoS 1, not retained, sent again until answered."
            ),
            "outcomes": _channel("cmd/res", "command_answer", "How a command ended; QoS 1, not retained."),
        },
        "operations": {
            "sendBatches": _operation("send", "batches", "batch", "question"),
            "receiveAnswers": _operation("receive", "answers", "ack", "nack", "account"),
            "sendState": _operation("send", "state", "state"),
            "receiveCommands": _operation("receive", "commands", "command"),
            "sendOutcomes": _operation("send", "outcomes", "command_answer"),
        },
        "components": {"messages": {name: _message(name) for name in MESSAGES}},
    }


def _channel(topic: str, message: str, description: str, *more: str) -> Json:
    return {
        "address": f"{TOPIC_ROOT}/{{device}}/{topic}",
        "description": description,
        "parameters": {
            "device": {"description": f"The edge's id, {DEVICE_PATTERN}; it may write its own topics only."}
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (message, *more)},
    }


def _operation(action: str, channel: str, *messages: str) -> Json:
    """Operations are the edge agent's; the back office does the reverse."""
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
        "bindings": {"mqtt": {"qos": 1, "retain": channel == "state", "bindingVersion": "0.2.0"}},
    }


def _message(name: str) -> Json:
    summary = (MODELS[name].__doc__ or "").strip().splitlines()[0]
    return {"name": name, "summary": summary, "payload": {"$ref": f"./{name}.schema.json"}}


def write(folder: Path, made: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"), documents())
