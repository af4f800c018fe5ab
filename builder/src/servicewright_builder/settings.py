"""What can be set."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from .addresses import Proxies

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Positive = Annotated[int, Field(gt=0)]
SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """Environment variables come first, then the file .env, then the directory of secrets."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    message: str = "Build a service"
    # The largest body of a request, in bytes.
    max_body_size: Positive = 10 * 1024 * 1024
    # Whether /docs, /redoc and /openapi.json are there.
    docs: bool = True
    # How much is logged, and how: as text, as JSON, or by itself as text in a terminal only.
    log_level: Annotated[Level, BeforeValidator(str.upper)] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    # Where and how gunicorn serves the application.
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    web_timeout: Positive = 30
    web_graceful_timeout: Positive = 30
    web_keepalive: Positive = 5
    web_access_log: str = ""
    web_log_level: Annotated[Level, BeforeValidator(str.upper)] = "INFO"
    forwarded_allow_ips: Proxies = "127.0.0.1,::1"
    # Your own settings:


def load_settings() -> Settings:
    """Read the settings, or end the program with a sentence for each that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        sentences = (
            f"Set {str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}."
            for one in error.errors()
        )
        raise SystemExit("\n".join(sentences)) from None
    except SettingsError as error:
        # No list, or whatever else has several values.
        raise SystemExit(f'Write it as JSON, such as ["a", "b"]: {error}.') from None
    except UnicodeDecodeError:
        raise SystemExit("Save .env as UTF-8: as it is, it cannot be read.") from None
