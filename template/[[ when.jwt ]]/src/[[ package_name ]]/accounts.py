"""The accounts: what clients send and receive."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from .credentials import Password, Username
from .problems import ConflictError
from .tokens import Role

# What is compared, and not kept: it may be wrong in any way, but is neither empty nor endless.
WITHOUT_NUL = r"^[^\x00]*$"
GivenName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=WITHOUT_NUL), AfterValidator(str.lower)
]
GivenPassword = Annotated[SecretStr, Field(min_length=1, max_length=128)]
GivenToken = Annotated[str, Field(min_length=1, max_length=200, pattern=WITHOUT_NUL, repr=False)]


class SignUp(BaseModel):
    """A new user."""

    username: Username
    password: Password


class PasswordGrant(BaseModel):
    """A login, as OAuth 2 has it."""

    grant_type: Literal["password"] = "password"
    username: GivenName
    password: GivenPassword


class RefreshGrant(BaseModel):
    """A refresh token in exchange for new tokens, as OAuth 2 has it."""

    grant_type: Literal["refresh_token"] = "refresh_token"
    refresh_token: GivenToken


class Revocation(BaseModel):
    """The refresh token of a login that is over."""

    token: GivenToken


class PasswordChange(BaseModel):
    """Another password, and the one so far."""

    current_password: GivenPassword
    new_password: Password


class TokenPair(BaseModel):
    """What a login gives: the refresh token can be used once, for the next pair."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the type
    expires_in: int
    refresh_token: str


class UserPublic(BaseModel):
    """A user as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    roles: list[Role]


class UserQuery(BaseModel):
    """Which users to list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class UserPage(BaseModel):
    """Some of the users, and how many there are."""

    users: list[UserPublic]
    total: int
    limit: int
    offset: int


class UsernameTakenError(ConflictError):
    """Another user has this name."""

    def __init__(self) -> None:
        super().__init__("This name is taken")
