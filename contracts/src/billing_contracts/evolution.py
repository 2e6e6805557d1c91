"""How a contract may change: a version of an event only gains optional fields."""

from typing import Any

Schema = dict[str, Any]


def refusals(published: str, old: Schema, new: Schema) -> list[str]:
    """A sentence for each break: what it is, and what to do instead. `published` is the event's type or the schema's name.

    A new value of an enumeration is one: readers that validate refuse it. Send the nearest old value and an optional detail.
    """
    name, version, number = published.rpartition(".v")
    instead = "keep published fields as they are and give new ones a default"
    if version:
        instead += f", or publish {name}{version}{int(number) + 1} beside it"
    return [f"{published}: {change}, which breaks its readers: {instead}." for change in breaks(old, new)]


def breaks(old: Schema, new: Schema) -> list[str]:
    """What a reader or writer of `old` would trip over in `new`, as sentences; empty when the change is additive.

    Both are JSON Schemas of one event as pydantic makes them.
    """
    return _breaks(old, new, old.get("$defs", {}), new.get("$defs", {}), "data")


def _breaks(old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, at: str) -> list[str]:
    old, new = _resolve(old, old_defs), _resolve(new, new_defs)
    changes: list[str] = []
    for name, field in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            changes.append(f"{at}.{name} was removed")
            continue
        changes += _breaks(field, new["properties"][name], old_defs, new_defs, f"{at}.{name}")
    added = new.get("properties", {}).keys() - old.get("properties", {}).keys()
    required = set(new.get("required", ())) - set(old.get("required", ()))
    changes += [f"{at}.{name} is new and required" for name in sorted(added & required)]
    changes += [f"{at}.{name} became required" for name in sorted(required - added)]
    changes += [f"{at}.{name} may be absent now" for name in sorted(set(old.get("required", ())) - set(new.get("required", ())))]
    for keyword in ("type", "format", "const", "pattern", "minimum", "maximum"):
        if old.get(keyword) != new.get(keyword):
            changes.append(f"{at}: {keyword} changed from {old.get(keyword)} to {new.get(keyword)}")
    before, after = set(old.get("enum", ())), set(new.get("enum", ()))
    if before - after:
        changes.append(f"{at}: a value was removed from the enumeration")
    if before and after - before:
        added_values = ", ".join(sorted(map(str, after - before)))
        changes.append(f"{at}: the enumeration gained {added_values}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), dict):
            changes += _breaks(old[keyword], new.get(keyword) or {}, old_defs, new_defs, f"{at}[]")
    for number, branch in enumerate(old.get("anyOf", ())):
        branches = new.get("anyOf", ())
        if not any(not _breaks(branch, other, old_defs, new_defs, at) for other in branches):
            changes.append(f"{at}: alternative {number} is gone or changed")
    return changes


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    return schema
