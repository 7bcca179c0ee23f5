"""Who appears in the demonstration: organisations with their habits, features with their prompts, models."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Model:
    """A model and how it behaves.

    first_token_ms: typical wait before the first token. tokens_per_second: output speed. reasoning: share of the
    output that is thought before it is written. caches: it reads repeated context from a cache.
    """

    provider: str
    name: str
    first_token_ms: int
    tokens_per_second: int
    reasoning: float = 0.0
    caches: bool = True


@dataclass(frozen=True, slots=True)
class Feature:
    """A product feature: its prompts, its task category, and the usual size of its calls in tokens.

    messages: mean number of messages in a conversation. weight: share of the conversations.
    """

    name: str
    category: str
    prompts: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    messages: float
    weight: float
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """An organisation: its calendar, its size and its habits.

    share: part of all traffic. weekend: traffic of a weekend day against a weekday. tide_phase: where its yearly rise
    and fall starts, as part of a year. customers: those it serves; empty when its own people use the models.
    byok: part of its users who bring their own key.
    """

    name: str
    display_name: str
    time_zone: str
    week_start: str
    share: float
    users: int
    opens: int
    closes: int
    weekend: float
    tide_phase: float
    departments: tuple[str, ...]
    projects: tuple[str, ...]
    customers: int = 0
    byok: float = 0.0


MODELS: Final = {
    model.name: model
    for model in (
        Model("openai", "gpt-4o", 420, 85),
        Model("openai", "gpt-4o-mini", 310, 110),
        Model("openai", "gpt-4.1", 450, 75),
        Model("openai", "gpt-4.1-mini", 330, 105),
        Model("openai", "o3", 1200, 90, reasoning=0.7),
        Model("openai", "o4-mini", 900, 120, reasoning=0.6),
        Model("openai", "gpt-5-mini", 800, 110, reasoning=0.4),
        Model("openai", "text-embedding-3-small", 0, 0, caches=False),
        Model("openai", "gpt-image-1", 0, 60, caches=False),
        Model("anthropic", "claude-sonnet-4-5", 700, 70),
        Model("anthropic", "claude-haiku-4-5", 380, 130),
        Model("anthropic", "claude-opus-4-5", 1100, 55, reasoning=0.3),
        Model("google", "gemini-2.5-pro", 1400, 95, reasoning=0.5),
        Model("google", "gemini-2.5-flash", 450, 190, reasoning=0.2),
        Model("google", "gemini-2.5-flash-lite", 280, 240),
        Model("mistral", "mistral-large-2512", 520, 65, caches=False),
        Model("deepseek", "deepseek-chat", 900, 45),
        Model("groq", "llama-3.3-70b-versatile", 190, 280, caches=False),
        # In no catalogue: it shows what an unpriced model looks like.
        Model("in-house", "aurora-9b-preview", 250, 60, caches=False),
    )
}

FEATURES: Final = (
    Feature(
        "chat assistant",
        "conversation",
        ("Assistant", "Assistant with documents"),
        900,
        260,
        3.2,
        0.34,
        ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "llama-3.3-70b-versatile"),
    ),
    Feature(
        "code review",
        "programming",
        ("Review a change", "Explain a failure", "Write tests"),
        5200,
        480,
        1.8,
        0.17,
        ("claude-sonnet-4-5", "gpt-4.1", "claude-opus-4-5", "o4-mini", "deepseek-chat"),
    ),
    Feature(
        "summaries",
        "summarisation",
        ("Meeting notes", "Summary of a ticket", "Weekly digest"),
        3400,
        220,
        1.1,
        0.16,
        ("gpt-4o-mini", "gemini-2.5-flash-lite", "claude-haiku-4-5", "mistral-large-2512"),
    ),
    Feature(
        "translation",
        "translation",
        ("Translate a page", "Localise strings"),
        700,
        650,
        1.2,
        0.1,
        ("gpt-4.1-mini", "mistral-large-2512", "gemini-2.5-flash"),
    ),
    Feature(
        "analysis",
        "reasoning",
        ("Explain a chart", "Find the cause", "Contract check"),
        6800,
        900,
        1.9,
        0.09,
        ("o3", "gemini-2.5-pro", "claude-opus-4-5", "gpt-5-mini"),
    ),
    Feature(
        "search",
        "retrieval",
        ("Index a document",),
        1500,
        0,
        1.0,
        0.1,
        ("text-embedding-3-small",),
    ),
    Feature("illustrations", "images", ("Illustrate a post",), 60, 1100, 1.2, 0.02, ("gpt-image-1",)),
    Feature("triage", "classification", ("Route a request",), 420, 12, 1.0, 0.02, ("aurora-9b-preview",)),
)

ORGANIZATIONS: Final = (
    DemoOrganization(
        "lumen-robotics",
        "Lumen Robotics",
        "Europe/Paris",
        "monday",
        0.30,
        120,
        8,
        19,
        0.12,
        0.0,
        ("Engineering", "Product", "Support", "Marketing"),
        ("atlas", "beacon", "website"),
    ),
    DemoOrganization(
        "northwind-legal",
        "Northwind Legal",
        "America/New_York",
        "sunday",
        0.22,
        80,
        9,
        20,
        0.18,
        0.5,
        ("Litigation", "Contracts", "Research"),
        ("case-files", "intake"),
        byok=0.25,
    ),
    DemoOrganization(
        "sakura-games",
        "Sakura Games",
        "Asia/Tokyo",
        "monday",
        0.18,
        60,
        10,
        22,
        0.35,
        0.25,
        ("Story", "Engineering", "Live operations"),
        ("moonlit", "players"),
    ),
    DemoOrganization(
        "makerspace",
        "Makerspace Online",
        "America/Sao_Paulo",
        "sunday",
        0.15,
        200,
        7,
        23,
        0.9,
        0.75,
        ("Platform",),
        ("app",),
        customers=40,
    ),
    DemoOrganization(
        "ganga-campus",
        "Ganga Campus",
        "Asia/Kolkata",
        "monday",
        0.10,
        150,
        8,
        21,
        0.5,
        0.45,
        ("Physics", "Law", "Languages", "Administration"),
        ("tutor", "library"),
        byok=0.1,
    ),
    DemoOrganization(
        "kiwi-care",
        "Kiwi Care",
        "Pacific/Auckland",
        "monday",
        0.05,
        25,
        7,
        18,
        0.3,
        0.95,
        ("Clinic", "Office"),
        ("notes",),
    ),
)
