"""What can be set."""

#{% set from_environment = when.database or when.basic_auth or when.background_tasks %}
#{% if when.settings %}
from pathlib import Path
from typing import Self

#{% if when.basic_auth %}
from pydantic import Field, model_validator
#{% else %}
from pydantic import model_validator
#{% endif %}
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """Environment variables come first, then the file .env, then the directory of secrets."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        hide_input_in_errors=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

#{% else %}
#{% if from_environment %}
import os
from dataclasses import dataclass, field
from typing import Any


def variable(name: str, default: str = "") -> Any:
    """Give a field the value of an environment variable; it is not shown with the others."""
    return field(default_factory=lambda: os.environ.get(name, default), repr=False)
#{% else %}
from dataclasses import dataclass
#{% endif %}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Change the values here."""

#{% endif %}
    message: str = "Hello, world!"
    # The largest body of a request, in bytes.
    max_body_size: int = 10 * 1024 * 1024
    #{% if when.sqlite and when.settings %}
    database_url: str = "sqlite:///[[ package_name ]].db"
    #{% elif when.sqlite %}
    database_url: str = variable("DATABASE_URL", "sqlite:///[[ package_name ]].db")
    #{% elif when.postgresql and when.settings %}
    database_url: str = ""
    #{% elif when.postgresql %}
    database_url: str = variable("DATABASE_URL")
    #{% endif %}
    #{% if when.postgresql %}
    database_pool_size: int = 5
    #{% endif %}
    #{% if when.database %}
    # Seconds after which the database counts as down.
    database_timeout: int = 5
    # Whether the start brings the tables up to date; switch it off where a deployment does.
    migrate_on_start: bool = True
    #{% endif %}
    #{% if when.background_tasks and when.settings %}
    data_directory: str = "data"
    #{% elif when.background_tasks %}
    data_directory: str = variable("DATA_DIRECTORY", "data")
    #{% endif %}
    #{% if when.basic_auth and when.settings %}
    basic_auth_username: str = ""
    basic_auth_password: str = Field(default="", repr=False)
    #{% elif when.basic_auth %}
    basic_auth_username: str = variable("BASIC_AUTH_USERNAME")
    basic_auth_password: str = variable("BASIC_AUTH_PASSWORD")
    #{% endif %}
    #{% if when.basic_auth %}
    # After so many wrong credentials an address is refused until the time is over.
    failed_logins_limit: int = 10
    failed_logins_seconds: int = 60
    #{% endif %}
    #{% if when.cors %}
    # The origins whose pages may read answers, such as https://example.com, or * for any.
    cors_origins: tuple[str, ...] = ()
    # Whether these pages may send cookies and passwords.
    cors_credentials: bool = False
    #{% endif %}
    # Your own settings:

    #{% if when.settings %}
    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse to start with what cannot work or is not safe."""
    #{% else %}
    def __post_init__(self) -> None:
        """Refuse to start with what cannot work or is not safe."""
    #{% endif %}
        if self.max_body_size < 1:
            raise ValueError("Set MAX_BODY_SIZE to a number of bytes above zero.")
        #{% if when.postgresql %}
        if not self.database_url:
            raise ValueError("Set DATABASE_URL, such as postgresql://user:password@host/database.")
        #{% endif %}
        #{% if when.basic_auth %}
        if not self.basic_auth_username or not self.basic_auth_password:
            raise ValueError("Set BASIC_AUTH_USERNAME and BASIC_AUTH_PASSWORD.")
        if ":" in self.basic_auth_username:
            raise ValueError("Set BASIC_AUTH_USERNAME to a name without a colon.")
        if self.failed_logins_limit < 1 or self.failed_logins_seconds < 1:
            raise ValueError("Set FAILED_LOGINS_LIMIT and FAILED_LOGINS_SECONDS above zero.")
        #{% endif %}
        #{% if when.cors %}
        if "*" in self.cors_origins and self.cors_credentials:
            raise ValueError("Name the CORS origins: any origin (*) must not send credentials.")
        #{% endif %}
        #{% if when.settings %}
        return self
        #{% endif %}
