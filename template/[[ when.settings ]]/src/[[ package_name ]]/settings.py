"""What can be set from outside."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """Environment variables come first, then the file .env, then the directory of secrets."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    message: str = "Hello, world!"
    #{% if when.sqlite %}
    database_url: str = "sqlite:///[[ package_name ]].db"
    #{% endif %}
    #{% if when.database %}
    database_timeout: float = 5
    migrate_on_start: bool = True
    #{% endif %}
    max_body_size: int = 10 * 1024 * 1024
