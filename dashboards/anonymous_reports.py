"""What the login page reports to Superset's event log: a request of somebody who is not signed in; nothing out.

Superset refuses it and notes the refusal in a cookie of its own. Where that answer comes after the one to the sign-in,
its cookie takes the other's place: the person is signed out again and sees the login page once more.
"""

from typing import Final

from flask import Response, request
from flask_login import current_user  # type: ignore[import-not-found, import-untyped, unused-ignore]

EVENT_LOG: Final = "/superset/log/"


def unheard() -> Response | None:
    """An answer that says and sets nothing, before Superset looks at the request; None for all other requests."""
    is_report = request.path.endswith(EVENT_LOG)
    return Response(status=204) if is_report and not current_user.is_authenticated else None
