"""Rows of the same SQL share a round trip, and each customer's statements keep their order."""

from chassis.event_store.write_sets import grouped


def test_the_same_statements_of_many_customers_are_one_group_each() -> None:
    wanted = [(customer, sql, f"{sql} of {customer}") for customer in "abc" for sql in ("insert", "update")]
    groups = [
        ("insert", ["insert of a", "insert of b", "insert of c"]),
        ("update", ["update of a", "update of b", "update of c"]),
    ]
    assert grouped(wanted) == groups


def test_a_statement_does_not_join_a_group_before_what_its_customer_wanted_earlier() -> None:
    wanted = [("a", "close", 1), ("b", "open", 2), ("b", "close", 3)]
    assert grouped(wanted) == [("close", [1]), ("open", [2]), ("close", [3])]


def test_a_customers_equal_statements_stay_in_their_order() -> None:
    wanted = [("a", "set", 1), ("b", "set", 2), ("a", "set", 3)]
    assert grouped(wanted) == [("set", [1, 2, 3])]


def test_what_is_about_no_customer_comes_after_all_before_it_and_before_all_after_it() -> None:
    wanted = [("a", "set", 1), (None, "set", 2), ("b", "set", 3), (None, "clear", 4), ("a", "set", 5)]
    groups = grouped(wanted)
    assert [row for _, rows in groups for row in rows] == [1, 2, 3, 4, 5]
    assert groups[0] == ("set", [1])


def test_nothing_wanted_is_no_group() -> None:
    assert grouped([]) == []
