"""One event in JSON, in the words of the usage event."""

from uuid import UUID

from pydantic import Field

from api.fields import AnswerModel, Credits, Exact, Instant, Usd


class EventAnswer(AnswerModel):
    """One event that was counted; empty texts mean that the sender gave none."""

    event_id: UUID = Field(description="Identity of the event", examples=["019cf00d-5b1e-7c3a-9d55-0242ac120002"])
    source_id: str = Field(description="The sender's own key, when it was no UUID", examples=["req-881"])
    time: Instant = Field(description="When the call happened", examples=["2026-03-14T09:26:53.118Z"])
    organization: str = Field(description="Organisation", examples=["acme"])
    customer_id: str = Field(description="Customer", examples=["c-17"])
    user_id: str = Field(description="User", examples=["u-42"])
    department: str = Field(description="Department", examples=["sales"])
    project: str = Field(description="Project", examples=["website"])
    feature: str = Field(description="Feature", examples=["summaries"])
    prompt_id: str = Field(description="Prompt", examples=["p-3"])
    prompt_name: str = Field(description="Name of the prompt then", examples=["Summarise a ticket"])
    thread_id: str = Field(description="Conversation", examples=["thread-9"])
    message_id: str = Field(description="Message", examples=["m-2"])
    api_key_id: str = Field(description="Id of the API key (never the key)", examples=["k-3"])
    provider: str = Field(description="Provider as sent", examples=["openai"])
    model: str = Field(description="Model as sent", examples=["gpt-4o"])
    event_type: str = Field(description="Kind of event", examples=["token_usage"])
    billing_type: str = Field(description="SYSTEM or BYOK", examples=["SYSTEM"])
    plan: str = Field(description="Plan of the customer", examples=["PRO"])
    status: str = Field(description="success, error or cancelled", examples=["success"])
    error_code: str = Field(description="Error code of a failed call", examples=[""])
    service_tier: str = Field(
        description="batch, flex, priority or fast; empty for the standard way", examples=["batch"]
    )
    input_tokens: int = Field(description="Uncached input tokens", examples=[1520])
    cache_read_tokens: int = Field(description="Input tokens read from a cache", examples=[0])
    cache_write_tokens: int = Field(description="Input tokens written to a cache", examples=[0])
    output_tokens: int = Field(description="Output tokens, reasoning excluded", examples=[385])
    reasoning_tokens: int = Field(description="Reasoning tokens", examples=[0])
    audio_tokens: int = Field(description="Audio tokens, in and out", examples=[0])
    image_tokens: int = Field(description="Image tokens, in and out", examples=[0])
    video_tokens: int = Field(description="Video tokens, in and out", examples=[0])
    total_input_tokens: int = Field(description="All input tokens", examples=[1520])
    total_output_tokens: int = Field(description="All output tokens", examples=[385])
    total_tokens: int = Field(description="All tokens", examples=[1905])
    quantities: dict[str, Exact] = Field(
        description="Usage in other units of the catalogue", examples=[{"requests": "1"}]
    )
    duration_ms: int | None = Field(description="Response time (ms)", examples=[1830])
    time_to_first_token_ms: int | None = Field(description="Time to the first token (ms)", examples=[212])
    category: str = Field(description="Task category", examples=["support"])
    rating: int | None = Field(description="User rating, 1 to 5", examples=[5])
    prompt_preview: str = Field(description="Beginning of the prompt, when the sender opted in", examples=[""])
    cost_usd: Usd = Field(description="Cost (USD, exact)", examples=["0.007650000"])
    billed_usd: Usd = Field(description="Billed amount (USD, exact)", examples=["0.009180000"])
    credits: Credits = Field(description="Credits (exact)", examples=["1.000000"])
    reported_cost_usd: Usd | None = Field(description="Cost the provider reported (USD)", examples=["0.007650000"])
    cost_status: str = Field(description="priced, partial, unpriced, free or reported", examples=["priced"])
    price_revision: int = Field(description="Revision of the price book", examples=[1])
    late: bool = Field(description="Whether it came late", examples=[False])
    received: Instant = Field(description="When the log received it", examples=["2026-03-14T09:26:53.589Z"])
    metadata: dict[str, str] = Field(description="Free attributes", examples=[{"region": "eu"}])
