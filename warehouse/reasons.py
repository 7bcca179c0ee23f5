"""What a person is told about a warehouse that does not serve: an error in, a few words out."""

from warehouse.client import DISK_WORDS, exception_code

WORDS = {
    159: "statements take too long",
    160: "statements take too long",
    173: "out of memory",
    202: "too many queries at once",
    241: "out of memory",
    242: "a table is read-only",
    243: "disk full",
    252: "too many parts, merges are behind",
    319: "it is not known whether an insert landed",
    394: "statements are being cancelled",
    745: "overloaded",
    **dict.fromkeys((192, 193, 194, 516), "wrong user or password: set TALLY_WAREHOUSE_PASSWORD_FILE right"),
    **dict.fromkeys((225, 999), "its keeper does not answer"),
    **dict.fromkeys((254, 265, 285, 286, 289, 369), "too few replicas answer"),
    **dict.fromkeys((74, 75, 76, 77, 88, 586), "its disk fails"),
}
PHRASES = (
    ("No space left on device", "disk full"),
    ("Disk quota exceeded", "disk full"),
    ("Read-only file system", "its disk is read-only"),
    ("Input/output error", "its disk fails"),
    ("Connection refused", "nothing listens at its address"),
    ("timed out", "no answer in time"),
    ("HTTP status 429", "too many queries at once (HTTP 429)"),
    ("HTTP status 503", "it refuses work (HTTP 503)"),
    ("reset by peer", "the connection broke off"),
    ("Connection aborted", "the connection broke off"),
    ("Connection broken", "the connection broke off"),
    ("IncompleteRead", "the connection broke off"),
    ("cut off", "the connection broke off"),
    ("peer closed", "the connection broke off"),
)
LONGEST = 120


def reason(failure: BaseException | None) -> str:
    """The cause in a few words that do not change from one attempt to the next."""
    text = str(failure) if failure is not None else ""
    if any(words in text for words in DISK_WORDS):
        return next(words for phrase, words in PHRASES if phrase in text)
    code = exception_code(text)
    if code in WORDS:
        return WORDS[code]
    for phrase, words in PHRASES:
        if phrase in text:
            return words
    if code is not None:
        return f"error {code}"
    return text.splitlines()[0][:LONGEST] if text else "no answer"
