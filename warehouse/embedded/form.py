"""Multipart requests: the parts in, bound values, the statement and external tables out."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from warehouse.embedded.body import Body
from warehouse.embedded.errors import Fault, refused
from warehouse.embedded.execution import ExternalTable

_FIELD_BYTES_MAX = 32 << 20
_PARTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Form:
    """What a multipart request brings. Its fields are never settings: those are in the address only."""

    sql: bytes
    bound: Mapping[str, str]
    external_tables: tuple[ExternalTable, ...]


def is_form(content_type: str) -> bool:
    """True for a multipart body."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


async def read_form(content_type: str, body: Body, address: Mapping[str, str]) -> Form:
    """Reads a multipart body whose tables are described by `<name>_format`, `_structure` or `_types`.

    Descriptions stand in the address or in the form. Raises 36 for a body that is not multipart or a table that
    nothing describes.
    """
    # latin-1 keeps every byte of a field: a statement may hold bytes that are no UTF-8.
    parser = MultiPartParser(
        Headers({"content-type": f"{content_type}; charset=latin-1"}),
        _stream(body),
        max_files=_PARTS_MAX,
        max_fields=_PARTS_MAX,
        max_part_size=_FIELD_BYTES_MAX,
    )
    try:
        parts = await parser.parse()
    except (MultiPartException, KeyError) as failure:
        raise refused(Fault.BAD_ARGUMENTS, f"The multipart body cannot be read: {failure}.") from failure
    fields = {_utf8(name): value for name, value in parts.multi_items() if isinstance(value, str)}
    about = {**{name: _utf8(value) for name, value in fields.items() if name != "query"}, **address}
    tables = [
        _external_table(_utf8(name), await part.read(), about)
        for name, part in parts.multi_items()
        if isinstance(part, UploadFile)
    ]
    await parts.close()
    bound = {name[6:]: _utf8(value) for name, value in fields.items() if name.startswith("param_")}
    return Form(fields.get("query", "").encode("latin-1"), bound, tuple(tables))


async def _stream(body: Body) -> AsyncGenerator[bytes, None]:
    async for chunk in body.stream():
        yield chunk
    yield b""


def _external_table(name: str, data: bytes, about: Mapping[str, str]) -> ExternalTable:
    structure = about.get(f"{name}_structure")
    if structure is None:
        types = about.get(f"{name}_types")
        if types is None:
            raise refused(
                Fault.BAD_ARGUMENTS, f"Neither `{name}_structure` nor `{name}_types` describes the table `{name}`."
            )
        structure = ", ".join(f"_{at} {kind}" for at, kind in enumerate(_split_types(types), 1))
    return ExternalTable(name, about.get(f"{name}_format", "TabSeparated"), structure, data)


def _split_types(types: str) -> list[str]:
    """The types of a list; commas inside brackets belong to a type."""
    found, depth = [""], 0
    for sign in types:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return [kind.strip() for kind in found]


def _utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError as failure:
        raise refused(Fault.BAD_ARGUMENTS, "A field of the form is no UTF-8 text.") from failure
