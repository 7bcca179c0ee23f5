"""Users: kept in a file that only its owner reads, read again when it changes."""

import json
import stat
from pathlib import Path

import pytest

from warehouse.embedded.errors import ClickHouseError
from warehouse.embedded.users import (
    User,
    UserDirectory,
    UsersFileInvalid,
    ensure_users,
    password_hash,
    read_users,
    write_users,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_passwords_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    files = ensure_users(users, {"tally": "writer", "api": "reader"}, tmp_path / "secrets")
    before = {name: path.read_text() for name, path in files.items()}
    assert before["tally"] != before["api"]
    assert ensure_users(users, {"tally": "writer", "api": "reader"}, tmp_path / "secrets") == files
    assert {name: path.read_text() for name, path in files.items()} == before
    assert {mode(path) for path in (users, *files.values())} == {0o600}
    directory = UserDirectory(users)
    assert directory.sign_in("tally", before["tally"].strip()).profile == "writer"
    assert directory.sign_in("api", before["api"].strip()).is_reader


def test_a_lost_password_is_made_anew_and_limits_stay(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    [file] = ensure_users(users, {"api": "reader"}, tmp_path).values()
    known = read_users(users)["api"]
    write_users(users, {"api": User("api", known.password_sha256, "reader", {"max_threads": "1"}, {"d.t": "a = 1"})})
    file.unlink()
    ensure_users(users, {"api": "reader"}, tmp_path)
    renewed = read_users(users)["api"]
    assert renewed.password_sha256 == password_hash(file.read_text().strip()) != known.password_sha256
    assert (renewed.settings, renewed.filters) == ({"max_threads": "1"}, {"d.t": "a = 1"})


def test_a_wrong_password_and_an_unknown_user_are_told_the_same(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    write_users(users, {"a": User("a", password_hash("right"), "reader")})
    directory = UserDirectory(users)
    texts = set()
    for name, password in (("a", "wrong"), ("b", "right"), ("b", "")):
        with pytest.raises(ClickHouseError) as caught:
            directory.sign_in(name, password)
        assert (caught.value.code, caught.value.status) == (516, 401)
        texts.add(caught.value.text.replace(f"{name}:", "X:"))
    assert len(texts) == 1


def test_a_changed_file_counts_at_once_and_a_broken_one_not_at_all(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    write_users(users, {"a": User("a", password_hash("old"), "reader")})
    directory = UserDirectory(users)
    write_users(users, {"a": User("a", password_hash("new"), "writer")})
    assert directory.sign_in("a", "new").profile == "writer"
    assert directory.generation == 1
    users.write_text("{")
    assert directory.sign_in("a", "new").profile == "writer"
    users.unlink()
    assert directory.sign_in("a", "new").profile == "writer"
    assert directory.generation == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        ("[]", "should be an object"),
        ({"a": {"profile": "reader"}}, "password_sha256"),
        ({"a": {"password_sha256": "0" * 64, "profile": "admin"}}, "profile"),
        ({"a": {"password_sha256": "0" * 64, "profile": "reader", "filter": {}}}, "filter"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_problem(tmp_path: Path, content: object, problem: str) -> None:
    users = tmp_path / "users.json"
    if content is not None:
        users.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UsersFileInvalid, match=problem) as caught:
        UserDirectory(users)
    assert str(users) in str(caught.value)
