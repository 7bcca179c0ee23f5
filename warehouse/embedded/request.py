"""An HTTP request as ClickHouse reads it: ASGI scope in, statement parameters, settings and credentials out."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import Scope

from warehouse.embedded.errors import Fault, refused

# Parameters of the transport: they are no settings of the engine. client_protocol_version is ignored throughout:
# answers have protocol 0, which every client reads.
_TRANSPORT = frozenset(
    {"add_http_cors_header", "buffer_size", "cancel_http_readonly_queries_on_client_close"}
    | {"client_protocol_version", "close_session", "compress", "database", "decompress", "default_format"}
    | {"enable_http_compression", "http_headers_progress_interval_ms", "http_response_buffer_size"}
    | {"http_write_exception_in_output_format", "http_zlib_compression_level", "password", "query", "query_id"}
    | {"quota_key", "role", "send_progress_in_http_headers", "session_check", "session_id", "session_timeout"}
    | {"stacktrace", "user", "wait_end_of_query"}
)
_QUERY_ID = re.compile(r"[!-~]{1,200}")
_EXTERNAL_SUFFIXES = ("_format", "_structure", "_types")


@dataclass(frozen=True, slots=True)
class Request:
    """One request on `/`. Header names are lower case; parameters are as decoded from the address."""

    method: str
    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    query_id: str

    @property
    def sql(self) -> bytes:
        """The statement, or its beginning, from the address; bytes that are no UTF-8 are kept."""
        return self.parameters.get("query", "").encode("utf-8", "surrogateescape")

    @property
    def database(self) -> str | None:
        """The database the client asks for."""
        return self.parameters.get("database") or self.headers.get("x-clickhouse-database") or None

    @property
    def output_format(self) -> str:
        """The format of answers whose statement names none."""
        asked = self.parameters.get("default_format") or self.headers.get("x-clickhouse-format") or "TabSeparated"
        if not asked.isidentifier():
            raise refused(Fault.BAD_ARGUMENTS, f"{asked!r} is no name of a format.")
        return asked

    @property
    def input_format(self) -> str:
        """The format of data whose INSERT names none."""
        return self.headers.get("x-clickhouse-format") or self.parameters.get("default_format") or "Values"

    @property
    def waits_for_end(self) -> bool:
        """True when nothing may be sent before the statement has succeeded."""
        return self.parameters.get("wait_end_of_query", "0") not in ("", "0", "false")

    @property
    def bound(self) -> dict[str, str]:
        """The values of the statement's {name:Type} places."""
        return {name[6:]: value for name, value in self.parameters.items() if name.startswith("param_")}

    def settings(self, external_names: tuple[str, ...]) -> dict[str, str]:
        """What is left of the parameters: settings of the engine, for this statement."""
        about_tables = {f"{name}{suffix}" for name in external_names for suffix in _EXTERNAL_SUFFIXES}
        return {
            name: value
            for name, value in self.parameters.items()
            if name not in _TRANSPORT and name not in about_tables and not name.startswith("param_")
        }

    @property
    def accepted_encodings(self) -> str:
        """Encodings the answer may have; none when the client has switched compression off."""
        if self.parameters.get("enable_http_compression", "1") in ("0", "false"):
            return ""
        return self.headers.get("accept-encoding", "")


def read_request(scope: Scope) -> Request:
    """Reads an ASGI scope. Raises 36 for a query id that cannot be a header."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    address = scope["query_string"].decode("latin-1")
    parameters = dict(parse_qsl(address, keep_blank_values=True, errors="surrogateescape"))
    given = parameters.get("query_id", "")
    if given and not _QUERY_ID.fullmatch(given):
        raise refused(Fault.BAD_ARGUMENTS, "A query_id has 1 to 200 visible ASCII characters and no spaces.")
    return Request(scope["method"], headers, parameters, given or str(uuid.uuid4()))


def check_supported(request: Request) -> None:
    """Refuses what a ClickHouse server offers and this one does not, rather than answering wrongly."""
    if request.parameters.get("role"):
        role = request.parameters["role"]
        raise refused(
            Fault.UNKNOWN_ROLE, f"There is no role `{role}`: the embedded warehouse has users with profiles instead."
        )
    for name in ("compress", "decompress"):
        if request.parameters.get(name, "0") not in ("", "0", "false"):
            raise refused(
                Fault.NOT_IMPLEMENTED, f"{name}=1 (ClickHouse's own blocks) is not offered; use HTTP's encodings."
            )


def credentials(request: Request) -> tuple[str, str]:
    """User and password: from Basic authentication, ClickHouse's headers or the address, in this order."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as failure:
            raise refused(Fault.AUTHENTICATION_FAILED, "The Authorization header cannot be read.") from failure
        return user, password
    if scheme:
        raise refused(Fault.AUTHENTICATION_FAILED, f"Authentication by {scheme!r} is not offered; use Basic.")
    user = request.headers.get("x-clickhouse-user") or request.parameters.get("user") or "default"
    password = request.headers.get("x-clickhouse-key") or request.parameters.get("password") or ""
    return user, password
