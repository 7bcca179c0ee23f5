"""Writes the description of the API to openapi.json, so that a change of the contract shows in a review."""

import json
from pathlib import Path
from typing import Any, NoReturn

from api.access import ApiKey
from api.app import create_app
from warehouse.queries.query import Query

FILE = Path(__file__).parent / "openapi.json"


class _Nothing:
    """Stands in for the warehouse and the keys: a description needs neither."""

    async def ask(self, query: Query[Any]) -> NoReturn:
        raise NotImplementedError

    def authenticate(self, secret: str) -> ApiKey | None:
        raise NotImplementedError


def text() -> str:
    """The description of this version."""
    nothing = _Nothing()
    return json.dumps(create_app(nothing, nothing).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
    print(f"wrote {FILE}")
