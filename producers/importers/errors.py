"""What can go wrong with an import, named by the caller's next move.

ImporterError
├── UnreadableSource      give another file or another format: this one cannot be read as what it was said to be
├── WrongOptions          correct the options
├── CollectorRefused      correct the address or the key: repeating changes nothing
└── CollectorUnavailable  run the same import again later: it continues where it stopped
"""


class ImporterError(Exception):
    """Any failure that stops an import; a single bad record never does."""


class UnreadableSource(ImporterError):
    """The file is not what its format says, or no format fits."""


class WrongOptions(ImporterError):
    """The options contradict each other or the file."""


class CollectorRefused(ImporterError):
    """The collector understood the request and refused all of it."""


class CollectorUnavailable(ImporterError):
    """The collector did not answer, or kept answering that it cannot now."""
