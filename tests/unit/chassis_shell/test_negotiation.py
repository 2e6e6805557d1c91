"""RFC 9110, 12.4.2, 12.5.3 and 12.5.4 as tables: the header, and the choice among Spanish, English and Portuguese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presentation.accept_headers import accepts_coding, languages

OURS = ("es", "en", "pt")
"""In the server's order of preference."""

LANGUAGES = [
    # 12.5.4: ranges, most wanted first
    ("da, en-gb;q=0.8, en;q=0.7", "en es pt"),
    ("en", "en es pt"),
    ("pt, en", "pt en es"),
    ("en;q=0.5, pt;q=0.9", "pt en es"),
    ("en;q=0.001, pt;q=0.002", "pt en es"),
    # RFC 4647: a longer range is served by the shorter tag, by whole subtags
    ("en-GB", "en es pt"),
    ("pt-BR-x-private", "pt es en"),
    ("ens, ptx-BR", "es en pt"),
    ("en-US;q=0.4, en;q=0.9, pt;q=0.5", "en pt es"),
    # tags are compared without regard to case
    ("EN-us", "en es pt"),
    ("Pt", "pt es en"),
    # 12.4.2: the weight is optional, case-insensitive, with optional white space around the semicolon
    ("en;Q=0.5, pt;Q=0.9", "pt en es"),
    ("en ; q=0.5 ,\tpt\t;\tq=0.9", "pt en es"),
    ("  en  ", "en es pt"),
    ("pt;q=1, en;q=1.0, es;q=1.000", "pt en es"),
    ("pt;q=0., en;q=1.", "en es"),
    # zero: not acceptable
    ("es;q=0", "en pt"),
    ("es;q=0.000, en;q=0", "pt"),
    ("es;q=0, en;q=0, pt;q=0", "es en pt"),
    ("es-MX;q=0, es", "es en pt"),
    ("es-MX;q=0", "es en pt"),
    ("en;q=0, en-GB;q=0.5", "en es pt"),
    # the wildcard matches what no other range does
    ("*", "es en pt"),
    ("*, es;q=0", "en pt"),
    ("pt, *;q=0.5", "pt es en"),
    ("*;q=0.5, pt", "pt es en"),
    ("es;q=0.1, *;q=0.9", "en pt es"),
    ("en, *;q=0", "en"),
    ("*;q=0", "es en pt"),
    # members that the grammar does not allow are ignored, the others are not
    ("pt;q=1.5, en", "en es pt"),
    ("pt;q=1.001, en", "en es pt"),
    ("pt;q=-1, en", "en es pt"),
    ("pt;q=0.1234, en", "en es pt"),
    ("pt;q=, en", "en es pt"),
    ("pt;q=nan, en", "en es pt"),
    ("pt;q=inf, en", "en es pt"),
    ("pt;q=1e1, en", "en es pt"),
    ("pt;q=.5, en", "en es pt"),
    ("pt;q=٠.٥, en", "en es pt"),
    ("pt;q = 1, en", "en es pt"),
    ("pt;level=1, en", "en es pt"),
    ("pt;q=1;q=1, en", "en es pt"),
    ("pt;, en", "en es pt"),
    ("pt_BR, en", "en es pt"),
    ("pt-, en", "en es pt"),
    ("-pt, en", "en es pt"),
    ("portuguese1, en", "en es pt"),
    ("*-BR, en", "en es pt"),
    ("pt en", "es en pt"),
    ("pt\u00a0, en", "en es pt"),
    # empty members
    (", ,en,,", "en es pt"),
    ("", "es en pt"),
    (None, "es en pt"),
    (";q=1", "es en pt"),
]


@pytest.mark.parametrize(("header", "expected"), LANGUAGES)
def test_languages_are_ordered_by_the_clients_preference(header: str | None, expected: str) -> None:
    assert languages(header, OURS) == tuple(expected.split())


CODINGS = [
    # 12.5.3: the examples of the RFC
    ("compress, gzip", True),
    ("", False),
    ("*", True),
    ("compress;q=0.5, gzip;q=1.0", True),
    ("gzip;q=1.0, identity; q=0.5, *;q=0", True),
    (None, False),
    # zero, wildcard, case, white space
    ("gzip;q=0", False),
    ("*;q=0", False),
    ("*;q=0, gzip", True),
    ("*, gzip;q=0", False),
    ("br, GZIP ; q=0.000, identity", False),
    ("Gzip\t;\tQ=0.001", True),
    ("x-gzip", True),
    ("br", False),
    ("xgzip, gzipx", False),
    # the unencoded content, if the client prefers it
    ("identity, gzip;q=0.5", False),
    ("identity;q=0.5, gzip;q=0.5", True),
    ("identity;q=0, gzip;q=0.1", True),
    # members that the grammar does not allow
    ("gzip;q=2", False),
    ("gzip;q=x, br", False),
    ("gzip;level=9", False),
]


@pytest.mark.parametrize(("header", "packed"), CODINGS)
def test_a_coding_is_used_if_the_client_accepts_it(header: str | None, packed: bool) -> None:
    assert accepts_coding(header, "gzip") is packed


@given(st.text(max_size=80) | st.text("enspt*-,;q=01. \t", max_size=80))
def test_any_header_is_accepted(header: str) -> None:
    chosen = languages(header, OURS)
    assert chosen
    assert set(chosen) <= set(OURS)
    assert accepts_coding(header, "gzip") in (True, False)
