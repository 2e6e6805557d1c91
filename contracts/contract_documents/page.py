"""The AsyncAPI document as one self-contained HTML page without scripts."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from contract_documents.asyncapi import messages_on
from contract_documents.files import CONTRACTS
from contract_documents.page_rows import Row, rows

_HERE = Path(__file__).parent
_ANSWERS = CONTRACTS / "what-sums-to-what.md"
_DAY_MS = 24 * 60 * 60 * 1000
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?)')


@dataclass(frozen=True)
class Message:
    name: str
    type: str
    description: str
    rows: list[Row]
    sample: Markup | None
    key: str
    key_example: str
    title_words: Markup
    schema: str | None = None


@dataclass(frozen=True)
class Topic:
    name: str
    summary: str
    key: str
    retention: str
    partitions: int
    config: dict[str, str]
    messages: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class Shared:
    name: str
    description: str
    rows: list[Row]
    values: list[str]


def page(described: dict[str, Any]) -> str:
    """`described`: the whole AsyncAPI document."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = prose
    schemas = described["components"]["schemas"]
    topics = [_topic(name, described) for name in described["channels"]]
    models = {message.name for topic in topics for message in topic.messages}
    shared = [_shared(name, schema) for name, schema in sorted(schemas.items()) if name not in models | {"Envelope"}]
    headers = described["components"]["messages"][topics[0].messages[0].name]["headers"]
    return environment.get_template("page.html.j2").render(
        info=described["info"],
        servers=described["servers"],
        envelope=rows(schemas["Envelope"]),
        headers=[row for row in rows(headers) if row.name != "ce_type"] + [_type_header(headers)],
        topics=topics,
        shared=shared,
        answers=Markup(_markdown(_ANSWERS.read_text())),
        style=Markup((_HERE / "page.css").read_text()),
    )


def prose(text: str) -> Markup:
    """HTML of a description with paragraphs, lists and `code`."""
    return Markup(_markdown(text))


def highlighted(value: Any) -> Markup:
    """Indented JSON, with names, texts and numbers marked for the style sheet."""

    def mark(token: re.Match[str]) -> str:
        text, colon, word, number = token.groups()
        kind = "n" if colon else "s" if text else "k" if word else "d"
        return Markup('<i class="{}">{}</i>{}').format(kind, text or word or number, colon or "")

    return Markup(_split(json.dumps(value, indent=2, ensure_ascii=False), mark))


def _split(text: str, mark: Any) -> str:
    """Also escapes the text between the tokens."""
    parts, at = [], 0
    for token in _TOKEN.finditer(text):
        parts += [str(escape(text[at : token.start()])), mark(token)]
        at = token.end()
    return "".join([*parts, str(escape(text[at:]))])


def _type_header(headers: dict[str, Any]) -> Row:
    (row,) = (row for row in rows(headers) if row.name == "ce_type")
    return row


def _topic(name: str, described: dict[str, Any]) -> Topic:
    channel = described["channels"][name]
    binding = channel["bindings"]["kafka"]
    _, key, retention = channel["description"].split("\n\n")
    messages = [_message(each, described) for each in messages_on(name)]
    config = {setting: _setting(setting, value) for setting, value in binding["topicConfiguration"].items()}
    return Topic(
        name,
        channel["summary"],
        key.removeprefix("Key of a record: ").removesuffix("."),
        retention.removeprefix("Kept: "),
        binding["partitions"],
        config,
        messages,
    )


def _setting(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if name.endswith(".ms"):
        return "forever" if value == -1 else f"{value // _DAY_MS} days" if value != _DAY_MS else "1 day"
    if name.endswith(".bytes") and value == -1:
        return "unlimited"
    return value if isinstance(value, str) else json.dumps(value)


def _message(name: str, described: dict[str, Any]) -> Message:
    message = described["components"]["messages"][name]
    event = "allOf" in message["payload"]
    schema = described["components"]["schemas"].get(name, {})
    key = message["bindings"]["kafka"]["key"]
    examples = message.get("examples", ())
    return Message(
        name,
        message["name"],
        message["description"],
        rows(schema, examples[0]["payload"].get("data") if examples else None),
        highlighted(examples[0]["payload"]) if examples else None,
        key["description"],
        key["examples"][0],
        breakable(name),
        f"schemas/{message['name']}.json" if event else None,
    )


def breakable(name: str) -> Markup:
    """A name in CamelCase with a line-break opportunity before each capital letter."""
    return Markup("<wbr>").join(re.findall(r"[A-Z][^A-Z]*", name))


def _shared(name: str, schema: dict[str, Any]) -> Shared:
    return Shared(name, schema.get("description", ""), rows(schema), [str(value) for value in schema.get("enum", ())])


def _markdown(text: str) -> str:
    html = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    return (
        html.replace("<table>", '<div class="scroll" tabindex="0"><table>')
        .replace("</table>", "</table></div>")
        .replace("<pre>", '<pre tabindex="0">')
    )
