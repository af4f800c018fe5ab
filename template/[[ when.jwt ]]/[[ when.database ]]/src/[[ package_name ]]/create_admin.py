#{% filter fitted %}
"""The command that makes an admin: ``python -m [[ package_name ]].create_admin NAME``.

Who has signed up is given the role. Anybody else is added, with the password that is asked for, or
that comes from the standard input where nobody can be asked.
"""

import sys
from collections.abc import Sequence
from getpass import getpass

from pydantic import ValidationError

from .accounts import SignUp
from .database import connect
from .passwords import hash_password
from .settings import load_settings
from .users import UserStore


def read_password() -> str:
    """Ask for a password, or read it."""
    if sys.stdin.isatty():
        return getpass()
    return sys.stdin.readline().rstrip("\r\n")


def read_sign_up(username: str) -> SignUp:
    """Ask for the password of a new user, or end the program with what is wrong."""
    try:
        return SignUp.model_validate({"username": username, "password": read_password()})
    except ValidationError as error:
        (wrong, *_) = error.errors(include_input=False)
        raise SystemExit(f"The {wrong['loc'][0]} cannot be used: {wrong['msg']}.") from None


def main(arguments: Sequence[str]) -> None:
    """Make an admin of the user whose name is given."""
    if len(arguments) != 1:
        raise SystemExit("Give one name: python -m [[ package_name ]].create_admin NAME")
    username = arguments[0].lower()
    settings = load_settings()
    database = connect(settings)
    try:
        if settings.migrate_on_start:
            database.upgrade()
        with database.session() as session:
            users = UserStore(session)
            known = users.find(username)
            if known:
                known.roles = list({*known.roles, "admin"})
            else:
                data = read_sign_up(username)
                users.add(data.username, hash_password(data.password.get_secret_value()), ["admin"])
    finally:
        database.engine.dispose()
    # Whoever that is: anybody may have signed up by this name.
    print(f"{username}{', who had signed up,' if known else ''} is an admin.")


if __name__ == "__main__":
    main(sys.argv[1:])
#{% endfilter %}
