"""Names that are stored, or that other programs use, read from the code and compared with a committed list.

PYTHONPATH=tests python -m architecture.public_names --write
"""

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from architecture.sql_definitions import Definitions
from architecture.statements import constants_of, text_of

from support.python_sources import nodes, parsed, source_text

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("public_names.json")
WRITE = "PYTHONPATH=tests .venv/bin/python -m architecture.public_names --write"
SERVICES = {path.name: path / "src" for path in sorted((ROOT / "services").iterdir()) if (path / "pyproject.toml").is_file()}
SOURCES = {"contracts": ROOT / "contracts/src", "chassis": ROOT / "chassis/src", **SERVICES, "deploy": ROOT / "deploy"}
_ERROR_STATUSES = range(400, 600)
_LOCK = re.compile(r"pg_(?:try_)?advisory_(?:xact_)?lock\(")
_LOCK_NAME = re.compile(r"pg_(?:try_)?advisory_(?:xact_)?lock\(hashtext\('([^']+)'\)\)")
_LARGE_NUMBER = 2**16
_COOKIE = re.compile(r"([\w-]+)=.*; ?Path=/")

Json = dict[str, Any]


@dataclass(frozen=True)
class Module:
    """A Python file of the product, with its text constants."""

    member: str
    source: str
    tree: ast.Module
    nodes: Sequence[ast.AST]
    constants: Mapping[str, str]


@cache
def modules() -> Sequence[Module]:
    files = [(member, path) for member, source in SOURCES.items() for path in sorted(source.rglob("*.py"))]
    return [Module(member, source_text(path), tree := parsed(path), nodes(path), constants_of(tree)) for member, path in files]


def calls(name: str) -> Iterator[tuple[str, ast.Call, Mapping[str, str]]]:
    """(member, call, text constants) of each call of a function, class or method by its last name."""
    for module in modules():
        for node in module.nodes if f"{name}(" in module.source else ():
            if isinstance(node, ast.Call) and name == getattr(node.func, "id", getattr(node.func, "attr", None)):
                yield module.member, node, module.constants


def texts(marker: str) -> Iterator[tuple[str, str]]:
    """(member, text) of each text with the marker, its constants inserted."""
    for module in modules():
        for node in module.nodes if marker in module.source else ():
            text = text_of(node, module.constants) if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp) else None
            if text and marker in text:
                yield module.member, text


def event_types() -> Iterator[str]:
    from billing_contracts.registry import EVENTS

    yield from EVENTS


def topics() -> Iterator[str]:
    from billing_contracts.registry import TOPICS

    for topic in TOPICS.values():
        config = ", ".join(f"{name}={value}" for name, value in sorted(topic.config.items()))
        yield f"{topic.name}: {topic.partitions} partitions, {config}"


def private_events() -> Iterator[str]:
    """The names under which codecs store events, with the version that the upcasters lead to."""
    for member, call, _ in calls("Codec"):
        names, *upcasters = [argument for argument in call.args if isinstance(argument, ast.Dict)]
        lifted = [ast.literal_eval(key)[0] for each in upcasters for key in each.keys if key is not None]
        for key in names.keys:
            name = ast.literal_eval(key) if key is not None else "?"
            yield f"{member}: {name} v{1 + lifted.count(name)}"


def tables() -> Iterator[str]:
    """Columns, constraints, indexes, types and functions after all migrations, and the tables that the code creates."""
    for member, folder in migration_folders():
        definitions = Definitions()
        for file in sorted(folder.glob("*.sql")):
            definitions.execute(file.read_text())
        yield from (f"{member}: {line}" for line in definitions.lines())
    for member, sql in texts("CREATE TABLE"):
        if sql.lstrip().startswith("CREATE TABLE"):
            definitions = Definitions()
            definitions.execute(sql)
            yield from (f"{member}: {line}" for line in definitions.lines())


def migrations() -> Iterator[str]:
    """Applied migrations are stored by component and file name."""
    for member, folder in migration_folders():
        yield from (f"{member}/{file.name}" for file in folder.glob("*.sql"))


def migration_folders() -> Iterator[tuple[str, Path]]:
    for member, source in SOURCES.items():
        yield from ((member, folder) for folder in sorted(source.rglob("migrations")) if folder.is_dir())


def projections() -> Iterator[str]:
    for member, call, constants in calls("Projection"):
        if call.args and (name := text_of(call.args[0], constants)):
            yield f"{member}: {name}"
    for module in modules():
        for node in module.tree.body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FOLDS" and isinstance(node.value, ast.Dict):
                yield from (f"{module.member}: {ast.literal_eval(key)}" for key in node.value.keys if key is not None)


def consumer_groups() -> Iterator[str]:
    for _, call, constants in calls("Consumer"):
        group = next((each.value for each in call.keywords if each.arg == "group"), call.args[0] if call.args else None)
        yield (text_of(group, constants) if group else None) or "a group that is not a constant"


def metrics() -> Iterator[str]:
    for kind in ("Counter", "Gauge", "Histogram", "Summary"):
        for _, call, constants in calls(kind):
            if len(call.args) < 2 or not (name := text_of(call.args[0], constants)):
                continue  # collections.Counter, or a class of the domain
            labels = ast.literal_eval(call.args[2]) if len(call.args) > 2 else []
            yield f"{kind.lower()} {name}{{{', '.join(labels)}}}"


def http_operations() -> Iterator[str]:
    """Operations with their parameters, statuses, and the fields of bodies and answers as dotted paths."""
    for file in sorted((ROOT / "contracts/openapi").glob("*.json")):
        document: Json = json.loads(file.read_text())
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                yield f"{file.stem}: {method.upper()} {path}"
                yield from (f"{file.stem}: {method.upper()} {path} {part}" for part in _parts_of(operation, document))


def _parts_of(operation: Json, document: Json) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        yield f"{parameter['in']} {parameter['name']}"
    for fields in _fields_of(operation.get("requestBody", {}), document):
        yield f"body {fields}"
    for status, answer in operation["responses"].items():
        yield f"status {status}"
        if status.startswith("2"):
            yield from (f"answer {fields}" for fields in _fields_of(answer, document))


def _fields_of(content: Json, document: Json) -> Iterator[str]:
    for media_type, described in content.get("content", {}).items():
        yield media_type
        yield from (f"{media_type} {field}" for field in _fields(described.get("schema", {}), document, ()))


def _fields(schema: Json, document: Json, above: tuple[str, ...]) -> Iterator[str]:
    if reference := schema.get("$ref"):
        if reference in above:
            return
        above, schema = (*above, reference), document["components"]["schemas"][reference.rpartition("/")[2]]
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from (f"{name}.{below}" for below in _fields(field, document, above))
    items = [schema["items"]] if "items" in schema else []
    for choice in (*schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("oneOf", []), *items):
        yield from _fields(choice, document, above)


def problem_codes() -> Iterator[str]:
    """`<status> <code>` of constants side by side and of the OpenAPI documents, and the codes of single fields."""
    for file in sorted((ROOT / "contracts/openapi").glob("*.json")):
        for operations in json.loads(file.read_text())["paths"].values():
            answers = [answer for operation in operations.values() for answer in operation["responses"].items()]
            for status, answer in answers:
                schemas = answer.get("content", {}).get("application/problem+json", {}).get("schema", {}).get("allOf", [])
                enums = [schema.get("properties", {}).get("code", {}).get("enum", []) for schema in schemas]
                yield from (f"{status} {code}" for codes in enums for code in codes)
    for module in modules():
        for node in module.nodes:
            values = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
            for status, code in pairwise(values):
                if getattr(status, "value", None) in _ERROR_STATUSES and isinstance(getattr(code, "value", None), str):
                    yield f"{ast.literal_eval(status)} {ast.literal_eval(code)}"
            if isinstance(node, ast.Dict):
                pairs = {getattr(key, "value", None): value for key, value in zip(node.keys, node.values, strict=True)}
                if "pointer" in pairs and isinstance(getattr(pairs.get("code"), "value", None), str):
                    yield f"field {ast.literal_eval(pairs['code'])}"


def environment_variables() -> Iterator[str]:
    from portalctl.service_settings import SETTINGS
    from portalctl.settings import Settings

    programs: Mapping[str, Any] = {**SETTINGS, "portalctl": Settings}
    for program, settings in programs.items():
        yield from (f"{program}: {name.upper()}" for name in settings.model_fields)
    for member, call, constants in calls("Option"):
        for keyword in call.keywords:
            if keyword.arg == "envvar":
                yield f"{member}: {text_of(keyword.value, constants)}"
    for member, call, constants in calls("get"):
        if ast.unparse(call.func) == "os.environ.get" and (name := text_of(call.args[0], constants)):
            yield f"{member}: {name}"


def portalctl_commands() -> Iterator[str]:
    import typer.main

    from portalctl.cli import app

    def options(command: Any, name: str) -> Iterator[str]:
        yield name
        for parameter in command.params:
            option = parameter.param_type_name == "option"
            yield f"{name} {'/'.join(sorted(parameter.opts)) if option else parameter.name.upper()}"
        for each, below in getattr(command, "commands", {}).items():
            yield from options(below, f"{name} {each}")

    yield from options(typer.main.get_command(app), "portalctl")


def service_commands() -> Iterator[str]:
    """Commands and options of the services' programs and of the subscriber's kit."""
    for method in ("add_parser", "add_argument"):
        for member, call, constants in calls(method):
            if member in ("chassis", "contracts"):
                yield f"{member}: {'/'.join(text_of(argument, constants) or '?' for argument in call.args)}"


def make_targets() -> Iterator[str]:
    makefile = (ROOT / "Makefile").read_text()
    for target, recipe in re.findall(r"^([a-z-]+):(.*(?:\n\t.*)*)", makefile, re.MULTILINE):
        yield target
        variables = set(re.findall(r"\$\((?:if \$\()?([A-Z]+)\)", recipe)) - {"MAKE"}
        yield from (f"{target} {name}=" for name in variables if not re.search(rf"^{name} :=", makefile, re.MULTILINE))


def csv_columns() -> Iterator[str]:
    """In their order, which is public too."""
    for module in modules():
        for node in module.tree.body:
            value = getattr(node, "value", None)
            if isinstance(value, ast.Tuple) and ast.unparse(getattr(node, "target", node)) == "COLUMNS":
                titles = [each.args[0] for each in value.elts if isinstance(each, ast.Call)]
                yield from (f"{module.member} {number:02}: {ast.literal_eval(title)}" for number, title in enumerate(titles, 1))


def cookies() -> Iterator[str]:
    for _, text in texts("Path=/"):
        if match := _COOKIE.match(text):
            yield match[1]


def advisory_locks() -> Iterator[str]:
    """Large numbers and formatted names in modules that take an advisory lock, and the names of leaderships."""
    for module in modules():
        functions = [node for node in module.nodes if isinstance(node, ast.AsyncFunctionDef | ast.Module)]
        for function in functions if "advisory" in module.source else ():
            parts = [text for node in ast.walk(function) if (text := text_of(node, module.constants))]
            sql = [text for text in parts if _LOCK.search(text)]
            yield from (f"{module.member}: {match[1]}" for text in sql if (match := _LOCK_NAME.search(text)))
            for node in function.body if sql else ():
                value = getattr(node, "value", None)
                if isinstance(value, ast.JoinedStr):
                    yield f"{module.member}: {_pattern(value)}"
                if isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value > _LARGE_NUMBER:
                    yield f"{module.member}: {value.value:#x}"
    for member, call, _ in calls("leadership"):
        yield from (f"{member}: {_pattern(each)}" for each in call.args if isinstance(each, ast.JoinedStr))


def notify_channels() -> Iterator[str]:
    for member, call, constants in calls("add_listener"):
        yield f"{member}: {text_of(call.args[0], constants) or 'a channel that is not a constant'}"


def import_paths() -> Iterator[str]:
    """Public definitions of the packages that subscribers import."""
    source = SOURCES["contracts"]
    for path in sorted([*source.glob("billing_contracts/**/*.py"), *source.glob("billing_subscriber/**/*.py")]):
        module = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        yield module
        for node in parsed(path).body if path.stem != "__main__" else ():
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
            for name in [getattr(target, "id", getattr(target, "name", "_")) for target in targets]:
                if not name.startswith("_"):
                    yield f"{module}.{name}"


def _pattern(text: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in text.values)


COLLECTORS: Mapping[str, Callable[[], Iterator[str]]] = {
    each.__name__.replace("_", " "): each
    for each in (
        event_types,
        topics,
        private_events,
        tables,
        migrations,
        projections,
        consumer_groups,
        metrics,
        http_operations,
        problem_codes,
        environment_variables,
        portalctl_commands,
        service_commands,
        make_targets,
        csv_columns,
        cookies,
        advisory_locks,
        notify_channels,
        import_paths,
    )
}


def names_now(kind: str) -> list[str]:
    return sorted(set(COLLECTORS[kind]()))


def committed() -> dict[str, list[str]]:
    names: dict[str, list[str]] = json.loads(LIST.read_text())
    return names


def differences(kind: str, listed: Sequence[str], now: Sequence[str]) -> list[str]:
    """One sentence for each name that was removed or added; a changed name is both."""
    gone = [
        f"{kind}: `{name}` is gone. Databases, other programs or people depend on it: restore it, or, for a change that was "
        f"agreed and has a migration path, delete its line from {LIST.name}."
        for name in listed
        if name not in now
    ]
    return gone + [f"{kind}: `{name}` is new. Add it to the list: {WRITE}" for name in now if name not in listed]


def main(arguments: Sequence[str]) -> int:
    """Add new names to the list. A name that is gone is never removed from it automatically."""
    listed = committed() if LIST.exists() else {}
    now = {kind: names_now(kind) for kind in COLLECTORS}
    if "--write" in arguments:
        listed = {kind: sorted({*listed.get(kind, []), *names}) for kind, names in now.items()}
        LIST.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n")
    sentences = [line for kind, names in now.items() for line in differences(kind, listed.get(kind, []), names)]
    sys.stdout.writelines(f"{line}\n" for line in sentences)
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
