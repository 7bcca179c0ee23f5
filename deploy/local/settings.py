"""What a person may choose about a local installation: environment and remembered settings in, one value out."""

from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.errors import WrongSetting


class LocalSettings(BaseSettings):
    """Choices for one machine. Given once in the environment, they are remembered in the home's settings.env."""

    model_config = SettingsConfigDict(env_prefix="TALLY_", frozen=True, extra="ignore")

    port_base: int = Field(default=8700, ge=1024, le=65_000)
    workers: int = Field(default=1, ge=1, le=64)
    partitions: int = Field(default=8, ge=1, le=1024)
    events_topic: str = "usage.events"
    rejected_topic: str = "usage.rejected"
    alerts_topic: str = "usage.alerts"
    retention_days: int = Field(default=30, ge=1, description="how long Kafka keeps events")
    usage_retention_days: int | None = Field(
        default=None, ge=30, description="from what age raw usage may be deleted: older events are refused"
    )
    topic_generation: int = Field(
        default=0, ge=0, le=62, description="raised when the log of usage events was lost or replaced by another one"
    )
    kafka_heap_mb: int = Field(default=512, ge=128)

    @classmethod
    def load(cls, remembered: Path, **given: object) -> "LocalSettings":
        """Settings from `given`, else the environment, else the remembered file, else the defaults.

        Raises WrongSetting naming every bad value at once.
        """
        try:
            return cls(_env_file=remembered, **given)  # type: ignore[call-arg, arg-type, unused-ignore]
        except ValidationError as problems:
            raise WrongSetting("; ".join(_sentence(problem) for problem in problems.errors())) from None

    @staticmethod
    def remembered_port_base(path: Path) -> int | None:
        """The port base that the last `up` used; None before the first one."""
        value = dotenv_values(path).get("TALLY_PORT_BASE")
        return int(value) if value else None

    def remember(self, path: Path) -> None:
        """Writes the port base and every value that was chosen, so that the next command needs no variables."""
        chosen = sorted(self.model_fields_set | {"port_base"})
        lines = [f"TALLY_{name.upper()}={getattr(self, name)}\n" for name in chosen]
        text = "# Settings of this installation; the environment wins over them.\n" + "".join(lines)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _sentence(problem: ErrorDetails) -> str:
    name = "_".join(str(part) for part in problem["loc"])
    return f"TALLY_{name.upper().removeprefix('TALLY_')}={problem['input']!r}: {problem['msg']}"
