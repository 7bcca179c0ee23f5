"""Configuration, setup and push agree on where things are."""

from pathlib import Path

import pytest

from dashboards.errors import WrongSetting
from dashboards.superset_home import SupersetHome, read_secret


def test_everything_follows_from_home_and_port_base() -> None:
    home = SupersetHome.from_environment({"TALLY_HOME": "/srv/tally", "TALLY_PORT_BASE": "9700"})
    assert home == SupersetHome(
        folder=Path("/srv/tally/superset"),
        url="http://127.0.0.1:9704",
        database_uri="sqlite:////srv/tally/superset/superset.db",
        secret_key_file=Path("/srv/tally/secrets/superset_key"),
        admin_password_file=Path("/srv/tally/secrets/superset_admin"),
    )
    assert home.sqlite_file == Path("/srv/tally/superset/superset.db")


def test_each_may_be_set_alone() -> None:
    variables = {
        "TALLY_SUPERSET_URL": "https://dashboards.example/",
        "TALLY_SUPERSET_DATABASE_URI": "postgresql+psycopg2://db.example/superset",
        "TALLY_SUPERSET_SECRET_KEY_FILE": "/run/secrets/key",
        "TALLY_SUPERSET_ADMIN_PASSWORD_FILE": "/run/secrets/admin",
    }
    home = SupersetHome.from_environment(variables)
    assert home.url == "https://dashboards.example"
    assert home.sqlite_file is None
    assert (home.secret_key_file, home.admin_password_file) == (Path("/run/secrets/key"), Path("/run/secrets/admin"))


def test_a_port_base_that_is_no_number_is_named() -> None:
    with pytest.raises(WrongSetting, match="TALLY_PORT_BASE='many'"):
        SupersetHome.from_environment({"TALLY_PORT_BASE": "many"})


def test_a_secret_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    assert read_secret(tmp_path / "key") == "secret"


@pytest.mark.parametrize("content", [None, "\n"])
def test_a_missing_or_empty_secret_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(WrongSetting, match=str(tmp_path / "key")):
        read_secret(tmp_path / "key")
