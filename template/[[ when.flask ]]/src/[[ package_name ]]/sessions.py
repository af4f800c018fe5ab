"""The session of a browser, which Flask keeps in a signed cookie."""

from typing import Any, NoReturn

from flask.sessions import NullSession, SecureCookieSessionInterface


class SessionWithoutKey(NullSession):
    """An empty session, which says what it needs when something is to be kept in it."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError(
            "A session needs a key to be signed with: set SECRET_KEY to what "
            """`python -c "import secrets; print(secrets.token_hex())"` prints"""
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = _refuse


class Sessions(SecureCookieSessionInterface):
    """Keeps sessions, and names the setting that is missing without a key."""

    null_session_class = SessionWithoutKey
