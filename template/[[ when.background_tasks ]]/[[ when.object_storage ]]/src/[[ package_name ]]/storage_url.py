"""What may name the storage of files."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import AfterValidator, Field, ValidationInfo

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def directory_of(url: str) -> Path | None:
    """Give the directory that an address names; None where it names a bucket."""
    address = urlsplit(url)
    return Path(url2pathname(address.path)) if address.scheme == "file" else None


def bucket_of(url: str) -> tuple[str, str]:
    """Give the bucket that an address names, and what the names of its files begin with."""
    address = urlsplit(url)
    return address.netloc, address.path.strip("/")


def usable(url: str) -> str:
    """Refuse what names neither a bucket nor a directory."""
    address = urlsplit(url)
    match address.scheme:
        case "s3":
            known = bool(BUCKET.fullmatch(address.netloc))
        case "file":
            known = bool(address.path) and not address.netloc
        case _:
            known = False
    if not known or address.query or address.fragment:
        raise ValueError("it must be an address such as s3://bucket/prefix or file:///var/data")
    return url


def in_pairs(secret: str, info: ValidationInfo) -> str:
    """Refuse half of what a login consists of."""
    if bool(secret) != bool(info.data.get("aws_access_key_id")):
        raise ValueError("set it together with AWS_ACCESS_KEY_ID, or neither of them")
    return secret


StorageUrl = Annotated[str, AfterValidator(usable)]
SecretAccessKey = Annotated[str, AfterValidator(in_pairs), Field(repr=False)]
