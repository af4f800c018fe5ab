"""Where jobs wait for a worker."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

SERVERS = {"redis", "rediss", "amqp", "amqps"}
# What needs no server serves one machine, and loses jobs that are cut off.
DEVELOPMENT = {"filesystem", "memory"}


def scheme_of(url: str) -> str:
    """Give what an address begins with."""
    return url.partition("://")[0] if "://" in url else ""


def check_url(url: str) -> str:
    """Refuse an address that is none of a broker."""
    if scheme_of(url) not in SERVERS | DEVELOPMENT:
        raise ValueError(
            "it must be the address of a Redis, such as redis://:password@host:6379/0, or of a "
            "RabbitMQ, such as amqp://user:password@host:5672//"
        )
    return url


# It has a password, and is not shown.
BrokerUrl = Annotated[str, AfterValidator(check_url), Field(repr=False)]


def require_server(url: str) -> None:
    """End the program with a sentence where the broker is one for development."""
    if scheme_of(url) not in SERVERS:
        raise SystemExit(
            "Set CELERY_BROKER_URL: in production it must be the address of a Redis or a RabbitMQ."
        )


def options_of(url: str, directory: str, longest: int) -> dict[str, Any]:
    """Give what the transport needs to know.

    Args:
        url: The address of the broker.
        directory: Where files of the service are kept.
        longest: Seconds in which a job has ended, or its worker was lost.
    """
    match scheme_of(url):
        case "redis" | "rediss":
            return {
                # A job that nobody has said to be done by then is given to another worker.
                "visibility_timeout": longest,
                # It is looked for them every ten seconds, not every tenth time.
                "unacked_restore_throttle": 1,
                "socket_connect_timeout": 2,
                "socket_timeout": 5,
                "socket_keepalive": True,
            }
        case "amqp" | "amqps":
            # Nothing counts as sent before the broker has said that it has it.
            return {"confirm_publish": True, "read_timeout": 5, "write_timeout": 5}
        case "filesystem":
            folder = f"{directory}/broker"
            return {
                "data_folder_in": folder,
                "data_folder_out": folder,
                "control_folder": folder,
                "polling_interval": 0.1,
            }
        case _:
            return {"polling_interval": 0.005}
