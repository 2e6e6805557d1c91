"""Statements with the same SQL are grouped, and each owner's statements keep their order."""

from chassis.event_store.write_sets import grouped


def test_equal_statements_of_many_owners_share_a_group() -> None:
    statements = [(owner, sql, f"{sql} of {owner}") for owner in "abc" for sql in ("insert", "update")]
    groups = [
        ("insert", ["insert of a", "insert of b", "insert of c"]),
        ("update", ["update of a", "update of b", "update of c"]),
    ]
    assert grouped(statements) == groups


def test_a_statement_joins_no_group_before_its_owners_earlier_statement() -> None:
    statements = [("a", "close", 1), ("b", "open", 2), ("b", "close", 3)]
    assert grouped(statements) == [("close", [1]), ("open", [2]), ("close", [3])]


def test_equal_statements_of_one_owner_keep_their_order() -> None:
    statements = [("a", "set", 1), ("b", "set", 2), ("a", "set", 3)]
    assert grouped(statements) == [("set", [1, 2, 3])]


def test_a_statement_without_owner_is_a_barrier() -> None:
    statements = [("a", "set", 1), (None, "set", 2), ("b", "set", 3), (None, "clear", 4), ("a", "set", 5)]
    groups = grouped(statements)
    assert [row for _, rows in groups for row in rows] == [1, 2, 3, 4, 5]
    assert groups[0] == ("set", [1])


def test_no_statements_are_no_group() -> None:
    assert grouped([]) == []
