"""Keys: unguessable, recognisable when mistyped, and stored only as a digest."""

import pytest

from ledger.access import ROLES, SCOPES
from ledger.access.keys import digest_of, key_id_of, new_key


def test_a_fresh_key_names_its_id_and_no_two_are_alike() -> None:
    keys = [new_key() for _ in range(200)]
    assert all(key_id_of(key.token) == key.key_id for key in keys)
    assert len({key.key_id for key in keys}) == len({key.token for key in keys}) == 200
    assert {len(key.token) for key in keys} == {65}


def test_a_key_with_any_character_changed_dropped_or_doubled_is_recognised() -> None:
    token = new_key().token
    for at in range(len(token)):
        other = "x" if token[at] != "x" else "y"
        for wrong in (
            token[:at] + other + token[at + 1 :],
            token[:at] + token[at + 1 :],
            token[:at] + token[at] + token[at:],
        ):
            assert key_id_of(wrong) is None


@pytest.mark.parametrize("wrong", ["", "lk_", "lk__", "lk_a_b", "é", "lk_" + "0" * 12 + "_" + "0" * 49])
def test_what_is_no_key_has_no_id(wrong: str) -> None:
    assert key_id_of(wrong) is None
    assert key_id_of(new_key().token + wrong) is None or not wrong


def test_a_key_does_not_show_in_its_representation() -> None:
    key = new_key()
    assert key.token not in repr(key)


def test_a_digest_is_of_the_whole_key() -> None:
    one, other = new_key().token, new_key().token
    assert len(digest_of(one)) == 32
    assert digest_of(one) != digest_of(other)


def test_roles_carry_known_scopes_and_every_scope_has_a_role() -> None:
    assert set().union(*ROLES.values()) == set(SCOPES)
    assert set(ROLES) == {"admin", "pos", "checkout", "finance", "operator", "approver", "readonly"}


def test_duties_are_separate() -> None:
    assert not ROLES["approver"] & {"propose", "award", "transfer", "reverse", "program:write"}
    assert "approve" not in ROLES["operator"]
    for till in ("pos", "checkout"):
        assert not ROLES[till] & {"reverse", "propose", "approve", "finance", "program:write", "test-clock"}
    # A credit without a purchase is given by a machine, or by two people.
    assert {role for role in ROLES if "award" in ROLES[role]} == {"admin", "checkout", "pos"}
    assert ROLES["readonly"] == {"read"}
    # Finance closes the months and proposes how points are measured; another decides on that.
    assert ROLES["finance"] == {"read", "finance", "close"}
    for other in ROLES.keys() - {"admin", "finance"}:
        assert "close" not in ROLES[other]
