"""Whose word is taken for where a request comes from."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator


def listed(proxies: str) -> str:
    """Refuse what is neither a list of addresses and networks nor * for any."""
    try:
        for proxy in proxies.split(",") if proxies != "*" else ():
            ip_network(proxy.strip())
    except ValueError:
        raise ValueError(
            "it must be addresses or networks with commas between them, or * for any"
        ) from None
    return proxies


Proxies = Annotated[str, AfterValidator(listed)]
