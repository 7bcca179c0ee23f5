"""What can go wrong between a sender and Kafka, named by what the sender does next.

ProducerError
├── Unreadable         send it again in a form that can be read
├── TooLarge           send less at once
├── NoValidKey         send a key that exists and is not revoked
├── NotAllowed         use a key with the right scope and organization
├── NoSuchKey          list the keys and name one of them
├── Busy               send the same again a little later: there is no room now
├── KafkaUnavailable   send the same again later: events are idempotent by id
├── ControlRefused     sign it with this installation's key, or say something that can be done
└── WrongConfiguration correct the settings or the machine, then start again
"""


class ProducerError(Exception):
    """Any failure of this stage; one bad event among others is a rejection, not an error."""


class Unreadable(ProducerError):
    """The bytes are not what they were said to be."""


class TooLarge(ProducerError):
    """More bytes or events than one request or envelope may carry."""


class NoValidKey(ProducerError):
    """The key is missing, unknown or revoked."""


class NotAllowed(ProducerError):
    """The key is valid and does not permit this."""


class NoSuchKey(ProducerError):
    """No API key has this id."""


class ControlRefused(ProducerError):
    """A control record that must not be carried out."""


class Busy(ProducerError):
    """Taking more in would need memory without bound."""


class KafkaUnavailable(ProducerError):
    """Kafka did not acknowledge; whether it stored the events is not known."""


class WrongConfiguration(ProducerError):
    """A setting, a file or the environment must be corrected first."""
