"""Values are escaped exactly as by Jinja, and safe values are not escaped twice."""

from typing import Any
from uuid import UUID

import markupsafe
import pytest
from jinja2 import DictLoader, Environment
from markupsafe import Markup

from portal_gateway.adapters.page import rendering
from portal_gateway.adapters.page.escaping import Templates, escaped

SCRIPT = "<script>alert('1 & 2')</script>\"`=/\u2028é"


class Text(str):
    __slots__ = ()


class Html:
    def __html__(self) -> str:
        return "<b>own</b>"

    def __str__(self) -> str:
        return "<i>not this</i>"


VALUES: tuple[Any, ...] = (
    *("", "plain", SCRIPT, "&amp;", "\x00<", "\ud83d<", Text(SCRIPT), Markup("<b>"), Html(), Markup.escape(SCRIPT)),
    *(None, 0, 1.5, True, UUID(int=7), [SCRIPT], {"<": ">"}, (Markup("<b>"),), b"<b>", ValueError("<")),
)
TEMPLATES = {
    "page": """
{%- import "parts" as parts with context -%}{% extends "frame" %}{% block body %}
{{ value }}|{{ value|safe }}|{{ value|e }}|{{ "<" }}|{{ value ~ "<" }}|{{ "%s<"|format(value) }}|{{ own(value) }}
{{ parts.shown(value) }}|{{ parts.nested(value) }}|{% call parts.around() %}{{ value }}{% endcall %}
{% set kept = parts.shown(value) %}{{ kept }}|{% set block %}<p>{{ value }}</p>{% endset %}{{ block }}|{{ block ~ value }}
{% for each in [value, value] %}{{ loop.index }}{{ each }}{% endfor %}|<a title="{{ value }}">{% include "part" %}</a>
{% filter upper %}{{ value }}{% endfilter %}|{% autoescape false %}{{ value }}{% endautoescape %}{% endblock %}""",
    "frame": "<{% block body %}{% endblock %}{{ value }}>",
    "part": "[{{ value }}]",
    "parts": """{% macro shown(value) %}<i>{{ value }}</i>{% endmacro %}
{% macro nested(value) %}{{ shown(value) }}{{ value }}{% endmacro %}
{% macro around() %}<u>{{ caller() }}</u>{% endmacro %}""",
}


def rendered(environment: Environment, value: object) -> str:
    environment.globals["own"] = lambda it: Markup("<em>%s</em>") % it
    return environment.from_string(TEMPLATES["page"]).render(value=value)


@pytest.mark.parametrize("value", VALUES, ids=lambda it: f"{type(it).__name__} {it!r:.30}")
def test_a_value_is_escaped_as_by_jinja_in_every_position(value: object) -> None:
    ours, theirs = (kind(autoescape=True, loader=DictLoader(TEMPLATES)) for kind in (Templates, Environment))
    assert rendered(ours, value) == rendered(theirs, value)
    assert escaped(value) == markupsafe.escape(value)


def test_without_autoescape_nothing_is_escaped() -> None:
    assert Templates(autoescape=False).from_string("{{ value }}").render(value=SCRIPT) == SCRIPT


def test_templates_are_compiled_to_plain_strings() -> None:
    """Fails if an upgrade of Jinja or markupsafe lacks the overridden parts: pages would be correct, but slower."""
    source = rendering.environment("es").compile("{{ value }}", raw=True)
    assert "yield environment.escaped(" in source
    assert type(escaped(SCRIPT)) is str


@pytest.mark.parametrize("code", ["es", "en"])
def test_each_template_of_the_page_is_compiled_to_plain_strings(code: str) -> None:
    environment = rendering.environment(code)
    names = environment.list_templates(["html"])
    assert {"portal.html", "parts.html", "message.html"} <= {*names}
    for name in names:
        source, _, _ = environment.loader.get_source(environment, name) if environment.loader else ("", None, None)
        compiled = environment.compile(source, name, raw=True)
        assert "yield escape(" not in compiled
        assert "yield str(" not in compiled
