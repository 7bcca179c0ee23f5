"""The sums of usage in JSON: the measures of the rollups under the same names."""

from pydantic import Field

from api.fields import AnswerModel, Credits, Usd


class UsageSums(AnswerModel):
    """Sums over some requests. Token buckets are disjoint: the totals are their sums."""

    requests: int = Field(description="Requests", examples=[1204])
    errors: int = Field(description="Requests that did not succeed (status error or cancelled)", examples=[12])
    input_tokens: int = Field(description="Uncached input tokens", examples=[1830422])
    cache_read_tokens: int = Field(description="Input tokens read from the provider's cache", examples=[90211])
    cache_write_tokens: int = Field(description="Input tokens written to the provider's cache", examples=[4096])
    output_tokens: int = Field(description="Output tokens, reasoning excluded", examples=[402118])
    reasoning_tokens: int = Field(description="Output tokens spent on reasoning", examples=[50120])
    audio_tokens: int = Field(description="Audio tokens, in and out", examples=[0])
    image_tokens: int = Field(description="Image tokens, in and out", examples=[0])
    video_tokens: int = Field(description="Video tokens, in and out", examples=[0])
    total_input_tokens: int = Field(description="All input tokens", examples=[1924729])
    total_output_tokens: int = Field(description="All output tokens", examples=[452238])
    total_tokens: int = Field(description="All tokens", examples=[2376967])
    cost_usd: Usd = Field(description="Cost at the provider's prices (USD, exact)", examples=["9.214000000"])
    billed_usd: Usd = Field(description="Amount billed to the customer (USD, exact)", examples=["11.056800000"])
    credits: Credits = Field(description="Credits (exact)", examples=["1204.000000"])
