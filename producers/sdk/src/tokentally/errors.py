"""What can go wrong in the contract, named by what the caller does next.

TokentallyError
├── InconsistentTokenCounts   correct the adapter: its counts contradict each other
└── EnvelopeTooLarge          send fewer events at once
"""

from pydantic import ValidationError


class TokentallyError(ValueError):
    """Any refusal of this package; an invalid event itself is pydantic's ValidationError, see `reasons`."""


class InconsistentTokenCounts(TokentallyError):
    """Reported token counts are negative, or parts exceed the total that should contain them."""


class EnvelopeTooLarge(TokentallyError):
    """More events, or more bytes, than one Kafka message may carry."""


def reasons(error: ValidationError) -> tuple[str, ...]:
    """One sentence per problem of a refused event, each naming its field.

    Values are not repeated: they may be private, and these sentences travel to logs and dead letters.
    """
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        _reason(".".join(str(part) for part in problem["loc"]), problem["type"], problem["msg"]) for problem in problems
    )


def _reason(field: str, kind: str, message: str) -> str:
    # Field names are the sender's: a log line must not break on them.
    field = "".join(char if char.isprintable() else "?" for char in field[:80])
    if kind == "extra_forbidden":
        return f"unknown field {field}: facts of your own go into metadata"
    if kind == "string_pattern_mismatch":
        return f"{field}: control characters are not allowed"
    if kind == "dict_type":
        return f"{field}: Input should be an object"  # as it is called in JSON
    sentence = message.removeprefix("Value error, ")
    return f"{field}: {sentence}" if field else sentence
