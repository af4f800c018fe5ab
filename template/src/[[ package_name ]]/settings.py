#{% filter imports %}
"""What can be set."""

#{% set from_environment = when.database or when.auth or when.background_tasks or when.docker or when.flask or when.telemetry %}
#{% macro text(name, default) %}[[ ('"%s"' | format(default)) if when.settings else ('variable("%s", "%s")' | format(name, default)) ]]#{% endmacro %}
#{% macro number(name, default) %}[[ default if when.settings else ('variable("%s", "%s")' | format(name, default)) ]]#{% endmacro %}
import os
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from .addresses import Proxies
from .broker import BrokerUrl
from .credentials import AdminPassword, Audience, ClientName, Issuer, LoginSecret, Password, TokenSecrets, Username
from .database_url import DatabaseUrl
from .origins import CredentialsAllowed, Origins
from .storage_url import SecretAccessKey, StorageUrl

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Positive = Annotated[int, Field(gt=0)]
#{% if when.settings %}
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

#{% else %}


#{% if from_environment %}
def variable(name: str, default: str | None = "") -> Any:
    """Give a field the value of an environment variable; it is not shown with the others."""
    return field(default_factory=lambda: os.environ.get(name) or default, repr=False)


#{% endif %}
@dataclass(
    frozen=True,
    kw_only=True,
    config=ConfigDict(hide_input_in_errors=True, validate_default=True),
)
class Settings:
    """Change the values here."""

#{% endif %}
    message: str = "Hello, world!"
    # The largest body of a request, in bytes.
    max_body_size: Positive = 10 * 1024 * 1024
    # Whether /docs, /redoc and /openapi.json are there.
    docs: bool = True
    # How much is logged, and how: as text, as JSON, or by itself as text in a terminal only.
    log_level: Annotated[Level, BeforeValidator(str.upper)] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    #{% if when.flask and when.settings %}
    # Signs the cookie of a session, which cannot be used without it.
    secret_key: Annotated[str | None, Field(min_length=32, repr=False)] = None
    #{% elif when.flask %}
    # Signs the cookie of a session, which cannot be used without it.
    secret_key: Annotated[str | None, Field(min_length=32)] = variable("SECRET_KEY", None)
    #{% endif %}
    #{% if when.sqlite %}
    #{% filter fitted %}
    database_url: DatabaseUrl = [[ text("DATABASE_URL", "sqlite:///%s.db" | format(package_name)) ]]
    #{% endfilter %}
    #{% elif when.postgresql %}
    database_url: DatabaseUrl = [[ text("DATABASE_URL", "") ]]
    #{% endif %}
    #{% if when.database %}
    # How many connections a process has at the most, besides the one that asks for readiness.
    database_pool_size: Positive = 5
    # Seconds after which the database counts as down.
    database_timeout: Positive = 5
    # Whether the start brings the tables up to date; switch it off where a deployment does.
    migrate_on_start: bool = True
    #{% endif %}
    #{% if when.background_tasks %}
    #{% if when.object_storage %}
    # Where uploads are: s3://bucket/prefix, or a directory.
    storage_url: StorageUrl = [[ text("STORAGE_URL", "file:data") ]]
    # Seconds after which the storage counts as down.
    storage_timeout: Positive = [[ number("STORAGE_TIMEOUT", 10) ]]
    # How S3, or what is compatible, is reached. What is empty is found as Amazon's tools find it.
    aws_endpoint_url: str = [[ text("AWS_ENDPOINT_URL", "") ]]
    aws_region: str = [[ text("AWS_REGION", "") ]]
    aws_access_key_id: Annotated[str, Field(repr=False)] = [[ text("AWS_ACCESS_KEY_ID", "") ]]
    aws_secret_access_key: SecretAccessKey = [[ text("AWS_SECRET_ACCESS_KEY", "") ]]
    aws_session_token: Annotated[str, Field(repr=False)] = [[ text("AWS_SESSION_TOKEN", "") ]]
    #{% else %}
    data_directory: str = [[ text("DATA_DIRECTORY", "data") ]]
    #{% endif %}
    #{% endif %}
    #{% if when.celery %}
    # Where jobs wait for a worker, and seconds after which one is ended.
    celery_broker_url: BrokerUrl = [[ text("CELERY_BROKER_URL", "filesystem://") ]]
    job_time_limit: Positive = 300
    # How many jobs a worker runs at the same time, each in a process.
    worker_concurrency: Positive = 2
    #{% endif %}
    #{% if when.basic_auth and when.settings %}
    basic_auth_username: Username = ""
    basic_auth_password: Annotated[Password, Field(repr=False)] = ""
    #{% elif when.basic_auth %}
    basic_auth_username: Username = variable("BASIC_AUTH_USERNAME")
    basic_auth_password: Password = variable("BASIC_AUTH_PASSWORD")
    #{% endif %}
    #{% if when.admin_password %}
    # They open the admin site.
    admin_username: Username = [[ text("ADMIN_USERNAME", "") ]]
    admin_password: Annotated[Password, Field(repr=False)] = [[ text("ADMIN_PASSWORD", "") ]]
    #{% endif %}
    #{% if when.jwt %}
    # The first signs access tokens, and all of them are believed.
    token_secrets: Annotated[TokenSecrets, Field(repr=False)] = [[ text("TOKEN_SECRETS", "") ]]
    #{% if when.in_memory %}
    # The password of the user admin, who is there from the start if it is set.
    admin_password: Annotated[AdminPassword, Field(repr=False)] = [[ text("ADMIN_PASSWORD", "") ]]
    #{% endif %}
    # How long an access token is believed, and how long a login lasts that it comes from.
    access_token_seconds: Positive = 15 * 60
    login_seconds: Positive = 30 * 24 * 60 * 60
    #{% endif %}
    #{% if when.oidc %}
    # Who issues access tokens, and for whom they must be.
    oidc_issuer: Issuer = [[ text("OIDC_ISSUER", "") ]]
    oidc_audience: Audience = [[ text("OIDC_AUDIENCE", "") ]]
    # Where a token has the roles of the user, such as realm_access.roles.
    oidc_roles_claim: str = "roles"
    # Seconds after which the issuer counts as down.
    oidc_timeout: Positive = 5
    #{% if when.visitors %}
    # What the issuer knows the pages as; without a secret if they are a public client.
    oidc_client_id: ClientName = [[ text("OIDC_CLIENT_ID", "") ]]
    oidc_client_secret: Annotated[str, Field(repr=False)] = [[ text("OIDC_CLIENT_SECRET", "") ]]
    # Signs the cookies of logins, which last for so many seconds.
    login_secret: Annotated[LoginSecret, Field(repr=False)] = [[ text("LOGIN_SECRET", "") ]]
    login_seconds: Positive = 8 * 60 * 60
    #{% endif %}
    #{% endif %}
    #{% if when.limited_logins %}
    # After so many wrong credentials an address is refused until the time is over.
    failed_logins_limit: Positive = 10
    failed_logins_seconds: Positive = 60
    #{% endif %}
    #{% if when.cors %}
    # The origins whose pages may read answers, such as https://example.com, or * for any.
    cors_origins: Origins = ()
    # Whether these pages may send cookies and passwords.
    cors_credentials: CredentialsAllowed = False
    #{% endif %}
    #{% if when.telemetry %}
    # Where traces and metrics go, by OTLP over HTTP, what is sent along, and as what.
    #{% filter fitted %}
    otel_exporter_otlp_endpoint: HttpUrl | None = [[ "None" if when.settings else 'variable("OTEL_EXPORTER_OTLP_ENDPOINT", None)' ]]
    otel_exporter_otlp_headers: Annotated[str, Field(repr=False)] = [[ text("OTEL_EXPORTER_OTLP_HEADERS", "") ]]
    otel_service_name: str = [[ text("OTEL_SERVICE_NAME", package_name) ]]
    #{% endfilter %}
    #{% endif %}
    #{% if when.docker %}
    # Where and how gunicorn serves the application.
    host: str = [[ text("HOST", "127.0.0.1") ]]
    port: Annotated[int, Field(ge=0, le=65535)] = [[ number("PORT", 8000) ]]
    #{% if when.database %}
    web_concurrency: Positive = [[ number("WEB_CONCURRENCY", 2) ]]
    #{% endif %}
    #{% if when.flask %}
    web_threads: Positive = [[ number("WEB_THREADS", 8) ]]
    #{% endif %}
    web_timeout: Positive = [[ number("WEB_TIMEOUT", 30) ]]
    web_graceful_timeout: Positive = [[ number("WEB_GRACEFUL_TIMEOUT", 30) ]]
    web_keepalive: Positive = [[ number("WEB_KEEPALIVE", 5) ]]
    web_access_log: str = [[ text("WEB_ACCESS_LOG", "") ]]
    web_log_level: Annotated[Level, BeforeValidator(str.upper)] = [[ text("WEB_LOG_LEVEL", "INFO") ]]
    forwarded_allow_ips: Proxies = [[ text("FORWARDED_ALLOW_IPS", "127.0.0.1,::1") ]]
    #{% endif %}
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
    #{% if when.settings %}
    except SettingsError as error:
        # No list, or whatever else has several values.
        raise SystemExit(f'Write it as JSON, such as ["a", "b"]: {error}.') from None
    except UnicodeDecodeError:
        raise SystemExit("Save .env as UTF-8: as it is, it cannot be read.") from None
    #{% endif %}
#{% endfilter %}
