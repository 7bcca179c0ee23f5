"""Bounds what is read of a request's body: more than that is refused before anybody looks at it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import TooLarge
from api.refusals import answer

BODY_BYTES_MAX = 8 << 20


class BoundedBodies:
    """Answers 413 to a longer body, whether it says its length or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        arriving = True
        while arriving:
            message = await receive()
            if message["type"] != "http.request":  # the sender is gone
                return
            body += message.get("body", b"")
            arriving = message.get("more_body", False)
            if len(body) > BODY_BYTES_MAX:
                refusal = TooLarge(f"the body has more than {BODY_BYTES_MAX} bytes; send it in parts")
                await answer(refusal)(scope, receive, send)
                return
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, whole, send)
