"""Answers about audio, images and video, like those of `answers`."""

from collections.abc import Mapping

from .answers import Answer

MEDIA_ANSWERS: Mapping[str, Answer] = {
    "openai realtime": Answer(
        "openai",
        "gpt-realtime",
        {
            "type": "response.done",
            "response": {
                "object": "realtime.response",
                "usage": {
                    "total_tokens": 300,
                    "input_tokens": 200,
                    "output_tokens": 100,
                    "input_token_details": {
                        "text_tokens": 80,
                        "audio_tokens": 120,
                        "image_tokens": 0,
                        "cached_tokens": 50,
                        "cached_tokens_details": {"text_tokens": 30, "audio_tokens": 20, "image_tokens": 0},
                    },
                    "output_token_details": {"text_tokens": 30, "audio_tokens": 70},
                },
            },
        },
        {
            "input_tokens": 50,
            "cache_read_tokens": 30,
            "input_audio_tokens": 100,
            "cache_audio_read_tokens": 20,
            "output_tokens": 30,
            "output_audio_tokens": 70,
        },
    ),
    "openai realtime, parts without totals": Answer(
        "openai",
        "gpt-realtime",
        {
            "usage": {
                "input_token_details": {
                    "text_tokens": 80,
                    "audio_tokens": 120,
                    "cached_tokens_details": {"text_tokens": 30, "audio_tokens": 20},
                },
                "output_token_details": {"text_tokens": 30, "audio_tokens": 70},
            }
        },
        {
            "input_tokens": 50,
            "cache_read_tokens": 30,
            "input_audio_tokens": 100,
            "cache_audio_read_tokens": 20,
            "output_tokens": 30,
            "output_audio_tokens": 70,
        },
    ),
    "openai transcription by tokens": Answer(
        "openai",
        "gpt-4o-transcribe",
        {
            "text": "",
            "usage": {
                "type": "tokens",
                "input_tokens": 14,
                "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
                "output_tokens": 45,
                "total_tokens": 59,
            },
        },
        {"input_tokens": 4, "input_audio_tokens": 10, "output_tokens": 45},
    ),
    "openai transcription by time": Answer(
        "openai",
        "whisper-1",
        {"text": "", "usage": {"type": "duration", "seconds": 30}},
        {},
        {"audio_seconds": "30"},
    ),
    "openai chat, audio in the cache": Answer(
        "openai",
        "gpt-audio",
        {
            "usage": {
                "prompt_tokens": 150,
                "completion_tokens": 60,
                "total_tokens": 210,
                "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 120},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 40},
            },
        },
        {
            "cache_read_tokens": 30,
            "input_audio_tokens": 50,
            "cache_audio_read_tokens": 70,
            "output_tokens": 20,
            "output_audio_tokens": 40,
        },
    ),
    "openai images": Answer(
        "openai",
        "gpt-image-1",
        {
            "data": [{}],
            "usage": {
                "total_tokens": 4210,
                "input_tokens": 50,
                "output_tokens": 4160,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            },
        },
        {"input_tokens": 10, "input_image_tokens": 40, "output_tokens": 4160},
    ),
    "google images in the chat shape": Answer(
        "google",
        "gemini-2.5-flash-image",
        {
            "usage": {
                "prompt_tokens": 300,
                "completion_tokens": 1310,
                "total_tokens": 1610,
                "prompt_tokens_details": {"cached_tokens": 0, "image_tokens": 258},
                "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 1290},
            }
        },
        {"input_tokens": 42, "input_image_tokens": 258, "output_tokens": 20, "output_image_tokens": 1290},
    ),
    "google video in the chat shape": Answer(
        "google",
        "gemini-omni-1.1-flash",
        {
            "usage": {
                "prompt_tokens": 300,
                "completion_tokens": 5800,
                "total_tokens": 6100,
                "prompt_tokens_details": {"video_tokens": 260},
                "completion_tokens_details": {"video_tokens": 5792},
            }
        },
        {"input_tokens": 40, "input_video_tokens": 260, "output_tokens": 8, "output_video_tokens": 5792},
    ),
    "google live": Answer(
        "google",
        "gemini-live-2.5-flash",
        {
            "usageMetadata": {
                "promptTokenCount": 100,
                "responseTokenCount": 60,
                "totalTokenCount": 160,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 40},
                    {"modality": "AUDIO", "tokenCount": 60},
                ],
                "responseTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 10},
                    {"modality": "AUDIO", "tokenCount": 50},
                ],
            }
        },
        {"input_tokens": 40, "input_audio_tokens": 60, "output_tokens": 10, "output_audio_tokens": 50},
    ),
    "xai voice": Answer(
        "x-ai",
        "grok-voice-latest",
        {"usage": {"billable_audio_seconds": 12.5, "input_text_messages": 2}},
        {},
        {"audio_seconds": "12.5", "input_text_messages": "2"},
    ),
}
