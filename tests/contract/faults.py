"""Deliberate faults: what a slip of an author's could make of a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contract.services import ALL_FEATURES, FRAMEWORKS, NO_FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IN_MEMORY = ALL_FEATURES | {"database": "none"}
WITH_USERS = ALL_FEATURES | {"auth": "jwt"}
WITH_ISSUER = ALL_FEATURES | {"auth": "oidc"}
PLAIN = NO_FEATURES | {"modular": True, "auth": "basic"}


@dataclass(frozen=True)
class Fault:
    """A text of one file that is replaced, which the service's own tests must notice.

    Attributes:
        name: What is wrong then.
        file: The file of the package; one that starts with / is a file of the project.
        old: The text, which stands there exactly once.
        new: What stands there instead.
        tests: The test files of the service that are run.
        frameworks: The services that have the file.
        answers: The features that the service has.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    frameworks: tuple[str, ...] = FRAMEWORKS
    answers: Mapping[str, Any] = field(default_factory=lambda: ALL_FEATURES)


FASTAPI = ("fastapi",)
FLASK = ("flask",)


def _items() -> Iterator[Fault]:
    """Slips in the items and where they are kept."""
    tests = ("test_items.py",)
    for name, old, new in (
        ("NUL is accepted", r'WITHOUT_NUL = r"^[^\x00]*$"', r'WITHOUT_NUL = r"^[\s\S]*$"'),
        ("an item is free", "Field(gt=0,", "Field(ge=0,"),
        ("prices have no cents", 'return price.quantize(Decimal("0.01"))', "return price"),
        ("a price has three decimals", "decimal_places=2", "decimal_places=3"),
        ("a name may be empty", "Field(min_length=1, max_length=100,", "Field(max_length=100,"),
        ("a note has no limit", "Field(max_length=500,", "Field("),
        ("tags have no limit", "Annotated[list[Tag], Field(max_length=10)]", "list[Tag]"),
        (
            "an id may be zero",
            "ItemId = Annotated[int, Field(ge=1,",
            "ItemId = Annotated[int, Field(",
        ),
        ("a page has no limit", "Field(ge=1, le=100)", "Field(ge=1)"),
        ("an offset has no limit", "Field(ge=0, le=LARGEST_INTEGER)", "Field(ge=0)"),
        (
            "the secret is sent back",
            "class ItemPublic(BaseModel):\n",
            "class ItemPublic(BaseModel):\n    internal_note: str\n",
        ),
        ("an unknown item is another one", "Item {item_id} not found", "Item not found"),
    ):
        yield Fault(name, "items.py", old, new, tests)
    for name, old, new in (
        ("wildcards are not escaped", "icontains(q, autoescape=True)", "icontains(q)"),
        ("the order is another", "order_by(Item.id)", "order_by(Item.id.desc())"),
        ("only the page is counted", "select_from(items.sub", "select_from(items.limit(limit).sub"),
        ("the offset is ignored", ".offset(offset)", ""),
        (
            "a replacement keeps what it does not name",
            "data.model_dump().items()",
            "data.model_dump(exclude_unset=True).items()",
        ),
        ("what was left out is stored", "model_dump(exclude_unset=True)", "model_dump()"),
        ("nothing is deleted", "self._session.delete(self.get(", "(self.get("),
    ):
        yield Fault(name, "store.py", old, new, tests)
    for name, old, new in (
        ("case matters", "q.lower() in item.name.lower()", "q in item.name"),
        ("an id is given again", "id=next(self._ids)", "id=len(self._items) + 1"),
        ("nothing is deleted", "            del self._items[item_id]\n", ""),
        ("what was left out is stored", "model_dump(exclude_unset=True)", "model_dump()"),
        (
            "a change is lost",
            "changes.model_dump(exclude_unset=True))\n            self._items[item_id] = item\n",
            "changes.model_dump(exclude_unset=True))\n",
        ),
        ("only the page is counted", "], len(items)", "], len(items[offset : offset + limit])"),
    ):
        yield Fault(f"in memory, {name}", "store.py", old, new, tests, answers=IN_MEMORY)


def _routes() -> Iterator[Fault]:
    """Slips in routes and in what happens around them."""
    items, errors, openapi = "routes/items.py", "errors.py", "openapi.py"
    test_items, test_errors = ("test_items.py",), ("test_errors.py",)
    for name, old, new in (
        (
            "a creation is a 200",
            '"", status_code=201, dependencies=[LoginRequired],',
            '"", dependencies=[LoginRequired],',
        ),
        ("a deletion is a 200", "status_code=204", "status_code=200"),
        ("the location is wrong", "/{item.id}", "{item.id}"),
        ("the location is missing", 'response.headers["Location"] = ', "_ = "),
        ("a deletion says it is JSON", "    response_class=Response,\n", ""),
    ):
        yield Fault(name, items, old, new, test_items, FASTAPI)
    for name, old, new in (
        ("a creation is a 200", "@operation(status=201)", "@operation()"),
        ("a deletion is a 200", "@operation(status=204, ", "@operation("),
        ("the location is wrong", "item_id=item.id", "item_id=1"),
        ("the location is missing", '{"Location": url_for(".read_item", item_id=item.id)}', "{}"),
    ):
        yield Fault(name, items, old, new, test_items, FLASK)
    for name, old, new in (
        (
            "unknown items are bugs",
            "    app.exception_handler(ServiceError)(on_service_error)\n",
            "",
        ),
        (
            "errors repeat what was sent",
            "    app.exception_handler(RequestValidationError)(on_invalid_request)\n",
            "",
        ),
        (
            "errors are as Starlette makes them",
            "    app.exception_handler(HTTPException)(on_http_exception)\n",
            "",
        ),
        (
            "only the first route's methods are allowed",
            'headers["Allow"] = ", ".join(methods)',
            "pass",
        ),
    ):
        yield Fault(name, errors, old, new, test_errors + test_items, FASTAPI)
    for name, old, new in (
        (
            "unknown items are bugs",
            "    app.register_error_handler(ServiceError, on_service_error)\n",
            "",
        ),
        (
            "invalid requests are bugs",
            "    app.register_error_handler(InvalidRequestError, on_invalid_request)\n",
            "",
        ),
        (
            "errors are HTML",
            "    app.register_error_handler(HTTPException, on_http_exception)\n",
            "",
        ),
        (
            "the headers of errors are lost",
            "            response.headers.add(name, value)\n",
            "            pass\n",
        ),
    ):
        yield Fault(name, errors, old, new, test_errors + test_items, FLASK)
    for name, old, new in (
        ("the first value counts", "else all_[-1] for", "else all_[0] for"),
        (
            "a path is not checked",
            "return self.check(path.get(self.name, self.default), self.name)",
            "return path.get(self.name, self.default)",
        ),
        ("bodies need not be JSON", "    if not request.is_json:\n        return body\n", ""),
        ("deep bodies are bugs", "except (ValueError, RecursionError):", "except ValueError:"),
    ):
        yield Fault(name, openapi, old, new, (*test_errors, *test_items, "test_openapi.py"), FLASK)
    yield Fault(
        "a sequence is taken apart",
        openapi,
        "(self.may_be_in_tuple or isinstance(returned[0], BaseResponse))",
        "True",
        ("test_typed_views.py",),
        FLASK,
    )
    yield Fault(
        "methods of a route share a name",
        "docs.py",
        '                operation["operationId"] = name\n',
        "",
        ("test_own_parts.py",),
        FASTAPI,
    )
    yield Fault(
        "operations are not named",
        "docs.py",
        '                "operationId": name,\n',
        "",
        ("test_openapi.py",),
        FLASK,
    )
    yield Fault(
        "operations are not named",
        "app.py",
        "        generate_unique_id_function=operation_ids(),\n",
        "",
        ("test_openapi.py",),
        FASTAPI,
    )


def _browsers() -> Iterator[Fault]:
    """Slips in what browsers are told, and what they may do."""
    tests = ("test_browsers.py",)
    for name, old, new in (
        ("other sites are let in", 'site not in {"same-origin", "none"}', "False"),
        (
            "neighbours are let in",
            '{"same-origin", "none"}',
            '{"same-origin", "same-site", "none"}',
        ),
        ("other origins are let in", 'headers.get("Host")', "urlsplit(origin).netloc"),
        ("friends are refused", "not (named", "(named"),
        ("scripts of any kind run", "script-src 'nonce-{nonce}'", "script-src 'unsafe-inline'"),
        ("types are guessed", '    "X-Content-Type-Options": "nosniff",\n', ""),
    ):
        yield Fault(name, "browsers.py", old, new, tests)
    for name, answers in (
        ("a password of the browser is let in from any origin", ALL_FEATURES),
        ("cookies of the browser are let in from any origin", WITH_USERS),
    ):
        yield Fault(
            name,
            "browsers.py",
            'named = {origin} if has_credentials(headers) else {origin, "*"}',
            'named = {origin, "*"}',
            ("test_cors.py",),
            answers=answers,
        )


def _around() -> Iterator[Fault]:
    """Slips in the middleware."""
    middleware, tests = "middleware.py", ("test_errors.py",)
    limit = "    app.add_middleware(BodyMiddleware, max_body_size=settings.max_body_size)\n"
    unhandled = '            if scope["type"] != "http" or (status and not complete):\n'
    timing = '        (b"x-process-time", f"{seconds:.6f}".encode()),\n'
    for name, old, new in (
        ("bodies have no limit", limit, ""),
        ("bugs are not answered in JSON", unhandled, "            if True:\n"),
        ("nothing tells its time", timing, ""),
        ("bugs are not logged", "logger.exception(", "logger.debug("),
        ("the traceback is not logged", "logger.exception(", "logger.error("),
        ("bugs tell too much", "Problem(detail=PHRASES[500])", "Problem(detail=repr(error))"),
        ("errors are glued to streams", " or (status and not complete):", ":"),
        ("middleware ends broken streams", "if broken_off:", "if False:"),
        ("streams go on for nobody", '"spec_version": "2.3"', '"spec_version": "2.4"'),
        ("HEAD is no GET", "    app.add_middleware(HeadMiddleware)\n", ""),
        (
            "errors of bodies come in groups",
            "        app.user_middleware.append(Middleware(PlainErrorsMiddleware))\n",
            "",
        ),
        (
            "large bodies come all at once",
            "        if is_large(scope):\n",
            "        if False:\n",
        ),
    ):
        yield Fault(name, middleware, old, new, (*tests, "test_own_parts.py"), FASTAPI)
    yield Fault(
        "a client that has gone is a bug",
        "errors.py",
        "    app.exception_handler(ClientDisconnect)(on_disconnect)\n",
        "",
        (*tests, "test_own_parts.py", "test_uploads.py"),
        FASTAPI,
    )
    yield Fault(
        "chunks have no limit",
        "bodies.py",
        "self.received > self.limit",
        "False",
        tests,
        FLASK,
    )
    yield Fault(
        "a cut body is taken for a whole one",
        middleware,
        "app.wsgi_app = WholeBodyMiddleware(app.wsgi_app)",
        "pass",
        (*tests, "test_uploads.py"),
        FLASK,
    )
    for name, old, new in (
        ("nothing tells its time", "app.wsgi_app = TimingMiddleware(app.wsgi_app)", "pass"),
        (
            "errors do not tell their time",
            "            headers.append(",
            '            if status < "400": headers.append(',
        ),
    ):
        yield Fault(name, middleware, old, new, tests, FLASK)
    for name, old, new in (
        ("bodies have no limit", '"MAX_CONTENT_LENGTH"] = settings.max_body_size', '"X"] = 0'),
        ("slashes are merged", "    app.url_map.merge_slashes = False\n", ""),
    ):
        yield Fault(name, "app.py", old, new, tests, FLASK)
    yield Fault(
        "trailing slashes redirect",
        "app.py",
        "        redirect_slashes=False,\n",
        "",
        tests,
        FASTAPI,
    )


def _database() -> Iterator[Fault]:
    """Slips with sessions, migrations and readiness."""
    dependencies, tests = "dependencies.py", ("test_database.py",)
    sessions = (*tests, "test_items.py", "test_sessions.py")
    for name, old, new in (
        (
            "nothing is committed",
            "            session.commit()\n",
            "            session.rollback()\n",
        ),
        (
            "errors are committed",
            "            session.rollback()\n",
            "            session.commit()\n",
        ),
    ):
        yield Fault(name, "routing.py", old, new, sessions, FASTAPI)
    for name, old, new in (
        (
            "own routes commit nothing",
            "                await end(session.commit)\n",
            "                pass\n",
        ),
        ("everybody is let in", "place() if needs_place", "place() if False"),
    ):
        yield Fault(name, dependencies, old, new, sessions, FASTAPI)
    yield Fault(
        "a closed session opens again",
        "database.py",
        ", close_resets_only=False",
        "",
        sessions,
        FASTAPI,
    )
    yield Fault(
        "the commit comes after the answer",
        dependencies,
        ', scope="function"',
        "",
        sessions,
        FASTAPI,
    )
    for name, old, new in (
        ("nothing is committed", "            g.session.commit()\n", "            pass\n"),
        ("errors are committed", " and response.status_code < 400", ""),
        ("sessions are not closed", 'g.pop("session").close()', 'g.get("session")'),
        (
            "the commit comes after the answer",
            "            g.session.commit()\n",
            "            response.call_on_close(g.session.commit)\n",
        ),
    ):
        yield Fault(
            name, dependencies, old, new, (*tests, "test_items.py", "test_own_commands.py"), FLASK
        )
    for name, old, new in (
        ("readiness has no time limit", "answer.result(max(left, 0))", "answer.result(3)"),
        ("each question makes a probe", "self._answer is None or self._answer.done()", "True"),
    ):
        yield Fault(name, "probe.py", old, new, tests)
    for name, old, new in (
        ("tables go in the order they came", "order[each.table_name]", "-order[each.table_name]"),
        ("tables go first", " if each not in last] + last", "]"),
    ):
        yield Fault(name, "migrations/env.py", old, new, tests)
    for name, old, new in (
        ("it is always ready", "return problem is None", "return True"),
        ("no table is made", '            command.upgrade(migrations, "head")\n', ""),
    ):
        yield Fault(name, "database.py", old, new, tests)
    yield Fault(
        "a failure is a bug",
        "probe.py",
        "except (SQLAlchemyError, TimeoutError)",
        "except TimeoutError",
        tests,
    )
    for name, old, new in (
        ("cents are lost", "int(value.scaleb(2))", "int(value) * 100"),
        ("the tables are others", "String(500)", "String(200)"),
    ):
        yield Fault(name, "models.py", old, new, (*tests, "test_items.py"))
    yield Fault(
        "the start does not migrate",
        "app.py",
        "    if app.state.settings.migrate_on_start:\n        database.upgrade()\n",
        "",
        tests,
        FASTAPI,
    )
    yield Fault(
        "the start does not migrate",
        "app.py",
        "        database.upgrade()\n",
        "        pass\n",
        tests,
        FLASK,
    )


def _sqlite() -> Iterator[Fault]:
    """Slips with what is particular to SQLite, and with what its errors are answered with."""
    for name, old, new in (
        ("references are not checked", 'connection.execute("PRAGMA foreign_keys = ON")', "pass"),
        ("readers wait for writers", "journal_mode = WAL", "journal_mode = DELETE"),
        ("writers do not wait", 'cursor.execute("BEGIN IMMEDIATE")', 'cursor.execute("BEGIN")'),
        ("a database in memory is empty", "MemoryPool if in_memory", "QueuePool if in_memory"),
        ("a lock is a bug", "    sqlite3.SQLITE_BUSY,\n", ""),
        ("what a migration breaks stays", "if broken:", "if False:"),
    ):
        yield Fault(name, "engine.py", old, new, ("test_sqlite.py",))
    for name, old, new in (
        ("a conflict is a bug", "isinstance(error, IntegrityError)", "False"),
        ("a row that went is a bug", "isinstance(error, StaleDataError)", "False"),
        ("a busy database is a bug", "if is_unavailable(error):", "if False:"),
    ):
        yield Fault(name, "database.py", old, new, ("test_database.py", "test_sqlite.py"))


def _logs() -> Iterator[Fault]:
    """Slips with the log and the ids of requests."""
    tests = ("test_logs.py",)
    for name, old, new in (
        ("records do not tell of their request", "    request_id.set(known)\n", ""),
        ("any id is taken", "PLAIN_ID.fullmatch(given)", "given"),
        (
            "a record is several lines",
            "return json.dumps(fields, ",
            "return json.dumps(fields, indent=1, ",
        ),
        ("paths may break lines", 'quote(path, safe="/:@!$&\'()*+,;=~")', "path"),
        ("probes fill the log", "path in PROBES and status < 400", "False"),
    ):
        yield Fault(name, "logs.py", old, new, tests)
    for framework, old in (
        (FASTAPI, '        (b"x-request-id", known.encode()),\n'),
        (FLASK, ', ("X-Request-ID", known)'),
    ):
        yield Fault("answers have no id", "middleware.py", old, "", tests, framework)


def _logins() -> Iterator[Fault]:
    """Slips with credentials."""
    tests = ("test_account.py", "test_protection.py", "test_item_logins.py")
    for name, old, new in (
        ("any password is right", "right_username & right_password", "right_username"),
        ("any name is right", "right_username & right_password", "right_password"),
        (
            "the time tells whether the name is right",
            "right_password = compare_digest",
            "right_password = right_username and compare_digest",
        ),
        (
            "passwords are compared plainly",
            "compare_digest(password.encode(), self._password)",
            "password.encode() == self._password",
        ),
        (
            "names are compared plainly",
            "compare_digest(username.encode(), self._username)",
            "username.encode() == self._username",
        ),
        (
            "letters outside ASCII are bugs",
            "compare_digest(password.encode(), self._password)",
            "compare_digest(password, self._password.decode())",
        ),
        ("nobody is asked for a password", ', {"WWW-Authenticate": header})', ")"),
        ("everybody may come in", "if not self.are_right(username, password):", "if False:"),
        ("passwords may be guessed", "            self._failed.add(*tried)\n", ""),
        ("nobody is told when to try again", ', {"Retry-After": str(retry_after)})', ")"),
        ("an address is refused for ever", "if end > now else", "if end else"),
        ("each address of IPv6 counts for itself", "(address, 64)", "(address, 128)"),
        (
            "all of IPv4 counts as one",
            "mapped = ipaddress.IPv6Address(address).ipv4_mapped",
            "mapped = None",
        ),
        ("keyboards differ", 'return normalize("NFC", text)', "return text"),
        (
            "a name may be tried from many addresses",
            "limit = 1 if of_name",
            "limit = self._limit if of_name",
        ),
        ("what is remembered grows", "> MOST_REMEMBERED", "> 10**9"),
    ):
        yield Fault(name, "security.py", old, new, tests)
    open_to_all = {
        "LoginRequired": (
            FASTAPI,
            "from fastapi import Depends\nLoginRequired = Depends(lambda: None)\n",
        ),
        "login_required": (FLASK, "def login_required(view): return view\n"),
    }
    for route in ("items", "uploads", "pages"):
        for name, (framework, new) in open_to_all.items():
            imported = f"from ..authentication import {name}\n"
            what = f"everybody may change {route}"
            yield Fault(what, f"routes/{route}.py", imported, new, tests, framework)
    for name, old in (
        ("create", '"", status_code=201, dependencies=[LoginRequired],'),
        ("delete", "    response_class=Response,\n    dependencies=[LoginRequired],\n"),
    ):
        new = old.replace("dependencies=[LoginRequired],", "")
        yield Fault(f"everybody may {name} items", "routes/items.py", old, new, tests, FASTAPI)
    for name, old in (
        ("create", '@items_blueprint.post("")\n'),
        ("patch", '@items_blueprint.patch("/<item_id>")\n'),
        ("delete", '@items_blueprint.delete("/<item_id>")\n'),
    ):
        guarded = f"{old}@login_required\n"
        yield Fault(f"everybody may {name} items", "routes/items.py", guarded, old, tests, FLASK)
    yield Fault(
        "strangers are told of their bodies",
        "authentication.py",
        "if get_username in connection.app.dependency_overrides:",
        "if True:",
        tests,
        FASTAPI,
    )
    yield Fault(
        "the document does not tell of passwords",
        "authentication.py",
        "return guarded or require_login in guards",
        "return require_login in guards",
        tests,
        FLASK,
    )


def _security() -> Iterator[Fault]:
    """Slips with settings and origins."""
    test_account, test_cors, test_settings = (
        ("test_account.py", "test_credentials.py"),
        ("test_cors.py",),
        ("test_settings.py",),
    )
    for name, old, new in (
        ("passwords are shown", "Annotated[Password, Field(repr=False)]", "Password"),
        ("errors show the password", "        hide_input_in_errors=True,\n", ""),
    ):
        yield Fault(name, "settings.py", old, new, test_account)
    for name, old, new in (
        ("a password may be missing", "if not credential:", "if False:"),
        ("a name may have a colon", 'if ":" in username:', "if False:"),
    ):
        yield Fault(name, "credentials.py", old, new, test_account)
    yield Fault(
        "without a settings file, passwords are shown",
        "settings.py",
        ", repr=False)",
        ")",
        test_account,
        answers=PLAIN,
    )
    for name, old, new in (
        ("the file is not read", '        env_file=".env",\n', ""),
        ("other variables in the file are refused", '        extra="ignore",\n', ""),
    ):
        yield Fault(name, "settings.py", old, new, test_settings)
    yield Fault(
        "any origin may send passwords",
        "origins.py",
        "if allowed and ",
        "if False and ",
        test_cors,
    )
    for framework, old, new in (
        (FASTAPI, "allow_origins=settings.cors_origins", 'allow_origins=["*"]'),
        (FLASK, 'origins="*" if any_origin else origins', 'origins="*"'),
    ):
        yield Fault("origins are not checked", "cors.py", old, new, test_cors, framework)
    for framework, old, new in (
        (FASTAPI, "allow_credentials=settings.cors_credentials", "allow_credentials=True"),
        (FLASK, "supports_credentials=settings.cors_credentials", "supports_credentials=True"),
    ):
        yield Fault("passwords may always be sent", "cors.py", old, new, test_cors, framework)
    for framework in (FASTAPI, FLASK):
        exposed = '"ETag", "Location", "Retry-After", "X-Process-Time", "X-Request-ID"'
        yield Fault("headers are not exposed", "cors.py", exposed, "", test_cors, framework)
        sent = ', "If-None-Match", "X-Request-ID"]'
        yield Fault("headers may not be sent", "cors.py", sent, "]", test_cors, framework)
    for name, old, new in (
        ("caches are not told of the origin", "    app.after_request(vary_by_origin)\n", ""),
        ("requests without an origin are allowed one", "        always_send=False,\n", ""),
    ):
        yield Fault(name, "cors.py", old, new, test_cors, FLASK)
    yield Fault(
        "bugs cannot be read from other origins",
        "app.py",
        "    middleware.init_app(app, settings)\n    cors.init_app(app, settings)\n",
        "    cors.init_app(app, settings)\n    middleware.init_app(app, settings)\n",
        test_cors,
        FASTAPI,
    )


def _users() -> Iterator[Fault]:
    """Slips in what knows users and believes tokens."""
    tokens, security, users = "tokens.py", "security.py", "users.py"
    of_tokens = (
        "test_tokens.py",
        "test_bearers.py",
        "test_account.py",
        "test_protection.py",
        "test_users.py",
    )
    of_users = ("test_users.py", "test_login.py")
    of_changes = ("test_password_changes.py",)
    for file, tests, name, old, new in (
        (
            tokens,
            of_tokens,
            "any algorithm is believed",
            "algorithms=[ALGORITHM]",
            'algorithms=["HS256", "HS512"]',
        ),
        (
            tokens,
            of_tokens,
            "the end is not looked at",
            'options={"require": REQUIRED}',
            'options={"require": REQUIRED, "verify_exp": False}',
        ),
        (
            tokens,
            of_tokens,
            "the beginning is not looked at",
            'options={"require": REQUIRED}',
            'options={"require": REQUIRED, "verify_nbf": False}',
        ),
        (
            tokens,
            of_tokens,
            "the signature is not looked at",
            'options={"require": REQUIRED}',
            'options={"require": REQUIRED, "verify_signature": False}',
        ),
        (
            tokens,
            of_tokens,
            "a token without an end is believed",
            '"nbf", "exp"]',
            '"nbf"]',
        ),
        (
            tokens,
            of_tokens,
            "tokens of others are believed",
            "                issuer=ISSUER,\n",
            "",
        ),
        (
            tokens,
            of_tokens,
            "tokens for others are believed",
            'options={"require": REQUIRED}',
            'options={"require": REQUIRED, "verify_aud": False}',
        ),
        (
            tokens,
            of_tokens,
            "any key is the current one",
            'self._keys[jwt.get_unverified_header(token)["kid"]]',
            "self._keys[self._current]",
        ),
        (tokens, of_tokens, "roles are forgotten", '"roles": account.roles', '"roles": []'),
        (
            security,
            of_tokens,
            "any scheme is a bearer",
            'if scheme.lower() == "bearer" else None',
            "if scheme else None",
        ),
        (security, of_users, "a wrong password is right", "is_right(password,", "bool(password,"),
        (security, of_users, "failures are not counted", "self._failed.add(*tried)", "pass"),
        (
            security,
            of_users,
            "a login is endless",
            "int(time.time()) + self.seconds",
            "int(time.time()) + 10**9",
        ),
        (security, of_users, "a refresh token is used again", 'f"{login}.{new}"', "token"),
        (
            security,
            of_users,
            "a refresh token is not rotated",
            "hash_secret(secret), hash_secret(new)",
            "hash_secret(secret), hash_secret(secret)",
        ),
        (
            security,
            of_users,
            "logging out ends nothing",
            "users.end_login(token.partition",
            "print(token.partition",
        ),
        (
            security,
            of_users,
            "the password stays",
            "change.new_password.get_secret_value()",
            "current",
        ),
        (
            users,
            of_users,
            "reuse ends nothing",
            "            self.end_login(login)\n",
            "",
        ),
        (
            users,
            of_users,
            "what reuse ends is rolled back",
            "            self._session.commit()\n",
            "",
        ),
        (
            users,
            of_users,
            "another password ends no login",
            "delete(Login).where(Login.user_id == user.id)",
            "delete(Login).where(Login.user_id == -1)",
        ),
        (
            users,
            of_users,
            "a name is a bug",
            "            raise UsernameTakenError from None",
            "            raise",
        ),
        (
            "passwords.py",
            ("test_passwords.py",),
            "who is not there is told at once",
            "HASHER.verify(one_spelling(password), hashed or nobodys)",
            "hashed is not None and HASHER.verify(one_spelling(password), hashed)",
        ),
        (
            "passwords.py",
            ("test_passwords.py",),
            "keyboards differ",
            'return normalize("NFC", password)',
            "return password",
        ),
        (
            security,
            of_users,
            "many may try at the same time",
            "none may learn more.\n        if seconds := self._failed.seconds_to_wait(*tried):",
            "none may learn more.\n        if seconds := 0:",
        ),
        (
            security,
            of_users,
            "all of IPv4 counts as one",
            "mapped = ipaddress.IPv6Address(address).ipv4_mapped",
            "mapped = None",
        ),
        (
            users,
            of_changes,
            "a login begins by the password before",
            "self._session.scalar(same.with_for_update()) is not None",
            "True",
        ),
        (
            security,
            of_changes,
            "nobody is told that a login has not begun",
            "if not users.begin_login(user, login, hash_secret(secret), ends):",
            "if users.begin_login(user, login, hash_secret(secret), ends) is None:",
        ),
        (
            security,
            of_changes,
            "nobody is told that a password stays",
            "if not users.set_password(",
            "if None is users.set_password(",
        ),
        (
            "models.py",
            of_changes,
            "an id is given again",
            '({"sqlite_autoincrement": True},)',
            "()",
        ),
        (
            "create_admin.py",
            ("test_create_admin.py",),
            "nobody is told who is an admin",
            "', who had signed up,' if known",
            "'' if known",
        ),
        (
            "passwords.py",
            ("test_passwords.py",),
            "nobody can log in",
            "return same and hashed is not None",
            "return same",
        ),
        (
            "credentials.py",
            ("test_credentials.py",),
            "a secret may be short",
            "SHORTEST_SECRET = 32",
            "SHORTEST_SECRET = 16",
        ),
        (
            "credentials.py",
            ("test_users.py",),
            "a password may be short",
            "SHORTEST_PASSWORD = 12",
            "SHORTEST_PASSWORD = 4",
        ),
        (
            "credentials.py",
            ("test_users.py",),
            "names differ by their case",
            "    AfterValidator(str.lower),\n",
            "",
        ),
        (
            "login_page.py",
            ("test_login.py",),
            "the cookie is sent without HTTPS",
            "not in LOCAL",
            "in LOCAL",
        ),
        (
            "login_page.py",
            ("test_login.py",),
            "the HTTPS of a proxy is not noticed",
            'scheme == "https" or ',
            "",
        ),
    ):
        yield Fault(f"users, {name}", file, old, new, tests, answers=WITH_USERS)
    account = "routes/account.py"
    for name, old, new in (
        ("anybody lists the users", '@role_required("admin")\n', "@login_required\n"),
        ("tokens are stored", '{"Cache-Control": "no-store"}', "{}"),
    ):
        yield Fault(f"users, {name}", account, old, new, of_tokens, FLASK, WITH_USERS)
    yield Fault(
        "users, anybody lists the users",
        account,
        '    dependencies=[role_required("admin")],\n',
        "",
        of_tokens,
        FASTAPI,
        WITH_USERS,
    )
    for file, name, old, new in (
        (
            "authentication.py",
            "roles are not looked at",
            "if role not in",
            'if role == "nobody" and role not in',
        ),
        ("routes/login.py", "scripts read the cookie", "httponly=True", "httponly=False"),
    ):
        yield Fault(f"users, {name}", file, old, new, (*of_tokens, *of_users), answers=WITH_USERS)


def _issuers() -> Iterator[Fault]:
    """Slips with the tokens of an issuer."""
    of_tokens = ("test_tokens.py",)
    of_issuer = ("test_issuer.py",)
    for file, tests, name, old, new in (
        ("issuer.py", of_issuer, "a secret may sign", '"ES512", "EdDSA")', '"ES512", "HS256")'),
        ("issuer.py", of_issuer, "any key signs", 'key.get("use", "sig") == "sig" and', ""),
        ("issuer.py", of_issuer, "strangers ask", "_wait_until = now + PAUSE", "_wait_until = now"),
        (
            "issuer.py",
            of_issuer,
            "who is down is asked again at once",
            "0.0 if found else time.monotonic() + PAUSE",
            "0.0",
        ),
        (
            "issuer.py",
            of_issuer,
            "keys are believed for ever",
            "if known is None or age >= BELIEVED:",
            "if known is None:",
        ),
        ("issuer.py", of_issuer, "keys are not renewed", "if age >= FRESH:", "if age < 0:"),
        ("issuer.py", of_issuer, "new keys are not found", "known = self._wait(known)", "pass"),
        (
            "issuer.py",
            of_issuer,
            "another calls itself the issuer",
            "if configuration.issuer != self.url:",
            "if not configuration.issuer:",
        ),
        (
            "issuer.py",
            of_issuer,
            "redirections are followed",
            "httpx2.Client(timeout=self._timeout)",
            "httpx2.Client(timeout=self._timeout, follow_redirects=True)",
        ),
        (
            "issuer.py",
            of_issuer,
            "answers are endless",
            "if len(body) > LARGEST_ANSWER:",
            "if len(body) < 0:",
        ),
        (
            "issuer.py",
            of_issuer,
            "keys come over HTTP",
            "PrivateUrl = Annotated[str, AfterValidator(private)]",
            "PrivateUrl = str",
        ),
        (
            "tokens.py",
            of_issuer,
            "the issuer is asked about what is unsigned",
            'self._issuer.key(header.get("kid")) if header["alg"] in ALGORITHMS else None',
            'self._issuer.key(header.get("kid"))',
        ),
        (
            "tokens.py",
            of_issuer,
            "an issuer that is down is told as a wrong token",
            "KeyError, ValueError, RecursionError):",
            "KeyError, Exception):",
        ),
        ("tokens.py", of_tokens, "clocks differ much", "LEEWAY = 10", "LEEWAY = 600"),
        (
            "tokens.py",
            of_tokens,
            "tokens for others are believed",
            'options={"require": REQUIRED}',
            'options={"require": REQUIRED, "verify_aud": False}',
        ),
        (
            "tokens.py",
            of_tokens,
            "signatures are not looked at",
            'options={"require": REQUIRED}',
            'options={"require": REQUIRED, "verify_signature": False}',
        ),
        ("tokens.py", of_tokens, "any issuer", "issuer=self._issuer.url,", "issuer=None,"),
        (
            "browsers.py",
            ("test_account.py",),
            "the documentation asks nobody for tokens",
            "connect-src 'self' https: http://localhost:* http://127.0.0.1:*; ",
            "",
        ),
        ("tokens.py", of_tokens, "tokens are endless", '"aud", "sub", "exp"]', '"aud", "sub"]'),
        (
            "tokens.py",
            of_tokens,
            "everybody is an admin",
            "return [role for role in get_args(Role) if isinstance(given, list) and role in given]",
            "return list(get_args(Role))",
        ),
        (
            "tokens.py",
            of_tokens,
            "roles may be anything",
            "if isinstance(given, list) and",
            "if given is not None and",
        ),
        (
            "credentials.py",
            ("test_credentials.py",),
            "the issuer is asked over HTTP",
            'or (parts.scheme == "http" and host in THIS_MACHINE)',
            'or parts.scheme == "http"',
        ),
        (
            "credentials.py",
            ("test_credentials.py",),
            "tokens for anybody are believed",
            '    if not name:\n        raise ValueError("it is required: for whom',
            '    if name is None:\n        raise ValueError("it is required: for whom',
        ),
        (
            "security.py",
            ("test_bearers.py",),
            "any word comes before a token",
            'if scheme.lower() == "bearer" else None',
            "if scheme else None",
        ),
    ):
        yield Fault(f"issuers, {name}", file, old, new, tests, answers=WITH_ISSUER)
    for file, name, old, new in (
        (
            "login_page.py",
            "anybody comes back",
            ' or not compare_digest(state.encode(), way["state"].encode())',
            "",
        ),
        (
            "login_page.py",
            "the code is anybody's",
            '"code_verifier": verifier',
            '"code_verifier": ""',
        ),
        ("login_page.py", "cookies are alike", "audience=purpose", "audience=[COOKIE, ON_THE_WAY]"),
        ("login_page.py", "the cookie is sent without HTTPS", "not in LOCAL", "in LOCAL"),
        ("tokens.py", "a login is used again", ' or claims.get("nonce") != nonce', ""),
        ("routes/login.py", "scripts read the cookie", "httponly=True", "httponly=False"),
    ):
        yield Fault(f"issuers, {name}", file, old, new, ("test_login.py",), answers=WITH_ISSUER)
    for whose, answers in (("users", WITH_USERS), ("issuers", WITH_ISSUER)):
        yield Fault(
            f"{whose}, browsers store what a user saw",
            "browsers.py",
            'return "private, no-cache" if visitor is None else "no-store"',
            'return "private, no-cache"',
            ("test_login.py",),
            answers=answers,
        )
    yield Fault(
        "users, sign-ups have no end",
        "security.py",
        "self._sign_ups.add(*tried)",
        "self._sign_ups.add(*reversed(tried))",
        ("test_users.py",),
        answers=WITH_USERS,
    )
    for frameworks, test in ((FASTAPI, "test_authentication.py"), (FLASK, "test_guard.py")):
        yield Fault(
            "issuers, roles are not looked at",
            "authentication.py",
            "if role not in",
            'if role == "nobody" and role not in',
            (test,),
            frameworks,
            WITH_ISSUER,
        )


def _uploads() -> Iterator[Fault]:
    """Slips with uploads and their jobs."""
    tests = ("test_uploads.py",)
    routes = "routes/uploads.py"
    for framework, old in (
        (FASTAPI, "background_tasks.add_task(uploads.process, filename)"),
        (FLASK, "run_after_response(uploads.process, filename)"),
    ):
        yield Fault(
            "the job runs before the answer",
            routes,
            old,
            "uploads.process(filename)",
            tests,
            framework,
        )
        yield Fault("the job never runs", routes, old, "pass", tests, framework)
    yield Fault(
        "the job holds up the connection",
        "background.py",
        'lambda: app.extensions["executor"].submit(run)',
        "run",
        tests,
        FLASK,
    )
    for name, old, new in (
        (
            "a failure is not told",
            '            state.status = "failed"\n        try:',
            '            state.status = "done"\n        try:',
        ),
        (
            "half a file is kept",
            "            unfinished.unlink(missing_ok=True)\n            job.end()\n",
            "",
        ),
        ("a full disk is a bug", "{errno.ENOSPC, errno.EDQUOT}", "{errno.EBADF}"),
        (
            "the job of a killed process has no end",
            "and not is_locked(self._running / state.key)",
            "and False",
        ),
        ("a running job is called failed", "not is_locked(self._running / state.key)", "True"),
        ("what was cut off stays", "        if self._running.exists():\n", "        if False:\n"),
        ("a running job of another process is removed", "if not is_locked(path):", "if True:"),
        (
            "a result is noted for another file",
            "if self._recall(filename).key == job.key:",
            "if True:",
        ),
        ("names differ in case alone", 're.sub("[A-Z]"', 're.sub("[+]"'),
        (
            "an upload is taken for code",
            'unfinished.replace(self._files / f"{name_on_disk(filename)}.upload")',
            "unfinished.replace(self._files / name_on_disk(filename))",
        ),
        ("a failure is not logged", 'logger.exception("The upload %s failed", filename)', "pass"),
        (
            "names may be paths",
            r'pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"',
            r'pattern=r"^[^\x00]*$"',
        ),
        ("names may be hidden", "[A-Za-z0-9_-][A-Za-z0-9._-]*", "[A-Za-z0-9._-]*"),
        ("names have no limit", "max_length=100, pattern", "pattern"),
        ("unknown uploads are bugs", "except FileNotFoundError:", "except IsADirectoryError:"),
        ("the size is wrong", "size=file.tell()", "size=0"),
    ):
        yield Fault(name, "uploads.py", old, new, tests)


def _storage() -> Iterator[Fault]:
    """Slips with uploads that several machines see."""
    tests = ("test_storage.py", "test_uploads.py")
    for name, file, old, new in (
        (
            "half a file in the storage is kept",
            "storage.py",
            "if not finished.is_set():",
            "if False:",
        ),
        (
            "a storage that is down is a bug",
            "storage.py",
            'raise UnavailableError("The storage does not answer") from error',
            "raise",
        ),
        (
            "a storage that hangs is waited for",
            "storage.py",
            '"read_timeout": self._timeout / 2',
            '"read_timeout": self._timeout * 5',
        ),
        ("keys are shown", "storage_url.py", ", Field(repr=False)]", "]"),
        ("half of a key is taken", "storage_url.py", "AfterValidator(in_pairs), ", ""),
        ("an earlier file stays", "uploads.py", "owner == replaced or ", ""),
        (
            "what still comes is removed",
            "uploads.py",
            'not in {key, "current"} and age > LONGEST_JOB',
            'not in {key, "current"}',
        ),
        (
            "a lost job has no end",
            "uploads.py",
            '"failed" if age > LONGEST_JOB else "processing"',
            '"processing"',
        ),
        (
            "a job is done again",
            "uploads.py",
            'if storage.read(f"{folder}/{key}/outcome"):',
            "if False:",
        ),
        (
            "an outage makes a job fail",
            "uploads.py",
            "        except UnavailableError:\n            raise\n",
            "",
        ),
    ):
        yield Fault(name, file, old, new, tests, answers=ALL_FEATURES | {"storage": "object"})


def _pages() -> Iterator[Fault]:
    """Slips in the pages."""
    tests, home = ("test_pages.py",), "templates/home.html"
    for name, old, new in (
        ("names of items are HTML", "{{ item.name }}", "{{ item.name | safe }}"),
        ("the message is HTML", "<h1>{{ message }}</h1>", "<h1>{{ message | safe }}</h1>"),
        ("tags of items are HTML", "{{ tag }}", "{{ tag | safe }}"),
        ("what was typed is lost", 'value="{{ form[name] }}"', 'value=""'),
        ("what was typed is HTML", "{{ form[name] }}", "{{ form[name] | safe }}"),
        ("wrong fields are not marked", ' aria-invalid="true"', ""),
        ("nobody is told what is wrong", "errors.get(name, hint)", "hint"),
        ("nobody is told of more items", "{% if total > items | length %}", "{% if false %}"),
    ):
        yield Fault(name, home, old, new, tests)
    for framework, old, new in (
        (FASTAPI, "status_code=422 if errors else 200", "status_code=200"),
        (FLASK, "422 if errors else 200", "200"),
    ):
        yield Fault("a refused form is a 200", "routes/pages.py", old, new, tests, framework)
    for framework, old, new in (
        (FASTAPI, "status_code=303", "status_code=307"),
        (FLASK, 'redirect(url_for(".show_home"), 303)', 'redirect(url_for(".show_home"), 307)'),
    ):
        yield Fault("the form is sent twice", "routes/pages.py", old, new, tests, framework)
    yield Fault(
        "the first value of a field counts",
        "routes/pages.py",
        "items(multi=True)",
        "items()",
        tests,
        FLASK,
    )
    yield Fault(
        "spaces are kept", "pages.py", 'form.get("name", "").strip()', 'form.get("name", "")', tests
    )
    template_loader = (
        'templates = Jinja2Templates(directory=HERE / "templates", '
        "context_processors=[give_root_path])\n"
    )
    for framework, file, old, new in (
        (FASTAPI, "templating.py", template_loader, "templates.env.autoescape = False\n"),
        (FLASK, "app.py", "    app = Flask(__name__)\n", "    app.jinja_env.autoescape = False\n"),
    ):
        yield Fault("nothing is escaped", file, old, old + new, tests, framework)
    # Both serve whatever a path leads to.
    yield Fault(
        "all files are served",
        "templating.py",
        '    app.mount("/static", StaticFiles(directory=HERE / "static"))\n',
        '    files = StaticFiles(directory=HERE / "static")\n'
        "    files.lookup_path = lambda path: (\n"
        '        (file := HERE / "static" / path), file.stat() if file.is_file() else None\n'
        "    )\n"
        '    app.mount("/static", files)\n',
        tests,
        FASTAPI,
    )
    yield Fault(
        "all files are served",
        "app.py",
        "    app = Flask(__name__)\n",
        "    app = Flask(__name__, static_folder=None)\n"
        "    from flask import abort, send_file\n\n"
        '    static = Path(__file__).parent / "static"\n'
        "    app.add_url_rule(\n"
        '        "/static/<path:name>",\n'
        '        "static",\n'
        "        lambda name: (\n"
        "            send_file(static / name) if (static / name).is_file() else abort(404)\n"
        "        ),\n"
        "    )\n",
        tests,
        FLASK,
    )
    yield Fault(
        "the pages are part of the API",
        "routes/pages.py",
        ", include_in_schema=False)",
        ")",
        tests,
        FASTAPI,
    )


def _admin() -> Iterator[Fault]:
    """Slips in the admin site."""
    tests = ("test_admin.py",)
    for name, file, old, new in (
        (
            "anyone gets into the admin site",
            "admin_login.py",
            'self.logins.username(connection.headers.get("Authorization"), address)',
            "str(address)",
        ),
        (
            "trusted origins use the admin site",
            "admin_login.py",
            'if is_from_another_site(scope["method"], connection.headers):',
            'if is_from_another_site(scope["method"], connection.headers, ["https://friend.example"]):',
        ),
        ("browsers keep what an admin saw", "admin_login.py", '= "no-store"', '= "private"'),
        (
            "an admin sees what is write-only",
            "admin_tables.py",
            "shown = list(public.model_fields) if public else list(columns)",
            "shown = list(columns)",
        ),
        (
            "an admin searches by wildcards",
            "admin_tables.py",
            "icontains(term, autoescape=True)",
            "icontains(term)",
        ),
        (
            "an admin cuts moments to seconds",
            "admin_tables.py",
            "stored.replace(microsecond=0) == entered",
            "stored == entered",
        ),
        (
            "an admin is shown statements",
            "admin_tables.py",
            "raise explain(error) or error from None",
            "raise",
        ),
    ):
        yield Fault(name, file, old, new, tests, answers=ALL_FEATURES | {"admin": True})
    for name, file, old, new in (
        (
            "the role of an admin is not checked",
            "admin_login.py",
            'if visitor and "admin" not in visitor.roles:',
            "if visitor and visitor.roles is None:",
        ),
        (
            "who is no admin logs in",
            "admin_login.py",
            'if "admin" not in user.roles:',
            "if user.roles is None:",
        ),
        (
            "the login of an admin goes on after the end",
            "admin_login.py",
            "self._logins.end(UserStore(session), token)",
            "UserStore(session)",
        ),
        (
            "another site logs an admin out",
            "admin_login.py",
            'is_from_another_site("POST", request.headers)',
            'is_from_another_site("GET", request.headers)',
        ),
        (
            "scripts read the cookie of an admin",
            "admin_login.py",
            "httponly=True",
            "httponly=False",
        ),
        (
            "an admin sees hashes",
            "admin.py",
            '("id", "username", "roles")',
            '("id", "username", "password_hash", "roles")',
        ),
        (
            "another password by an admin ends no login",
            "admin.py",
            "session.execute(delete(Login).where(Login.user_id == user_id))",
            "session.execute(delete(Login).where(Login.user_id == 0))",
        ),
        (
            "a login outlives another password by an admin",
            "admin.py",
            """        user = await super().update_model(request, pk, await self.hashed(data))
        if data["password"]:
            # Now that none begins by the password before.
            await run_in_threadpool(self.end_logins, int(pk))
        return user
""",
            """        if data["password"]:
            await run_in_threadpool(self.end_logins, int(pk))
        return await super().update_model(request, pk, await self.hashed(data))
""",
        ),
    ):
        answers = WITH_USERS | {"admin": True}
        yield Fault(name, file, old, new, ("test_admin_login.py",), answers=answers)
    for name, file, old, new in (
        (
            "the role of an admin is not checked",
            "admin_login.py",
            'if visitor and "admin" not in visitor.roles:',
            "if visitor and visitor.roles is None:",
        ),
        (
            "who is no admin logs in",
            "admin_login.py",
            'if account is None or "admin" not in account.roles:',
            "if account is None:",
        ),
        (
            "anyone is let in",
            "admin_login.py",
            "return visitor is not None",
            "return True",
        ),
        (
            "the cookie of an admin stays after the end",
            "admin_login.py",
            "answer.delete_cookie(COOKIE,",
            "answer.delete_cookie(ON_THE_WAY,",
        ),
        (
            "who has logged out is logged in at once",
            "admin_login.py",
            'answer = RedirectResponse(request.url_for("admin:first"), 303)',
            'answer = RedirectResponse(request.url_for("admin:login"), 303)',
        ),
        (
            "another site logs an admin out",
            "admin_login.py",
            'is_from_another_site("POST", request.headers)',
            'is_from_another_site("GET", request.headers)',
        ),
        (
            "scripts read the cookie of an admin",
            "admin_login.py",
            "httponly=True",
            "httponly=False",
        ),
        (
            "anybody comes back to the admin site",
            "login_page.py",
            ' or not compare_digest(state.encode(), way["state"].encode())',
            "",
        ),
        (
            "sqladmin asks for a password",
            "admin.py",
            "routes[:0] = login.routes()",
            "routes[:0] = []",
        ),
    ):
        answers = WITH_ISSUER | {"admin": True, "pages": False}
        of_both = ("test_admin_login.py", "test_admin.py")
        yield Fault(f"issuers, {name}", file, old, new, of_both, answers=answers)
    yield Fault(
        "issuers, who logs in waits for the database",
        "admin_site.py",
        "if is_static(scope) or is_login(scope):",
        "if is_static(scope):",
        ("test_admin_site.py",),
        FASTAPI,
        WITH_ISSUER | {"admin": True, "pages": False},
    )


def _others() -> Iterator[Fault]:
    """Slips in what is small."""
    for framework in (FASTAPI, FLASK):
        message = "settings.message" if framework == FASTAPI else "get_settings().message"
        yield Fault(
            "the message is always the same",
            "routes/home.py",
            f"message={message}",
            'message="Hello"',
            ("test_home.py",),
            framework,
            PLAIN,
        )
        yield Fault(
            "readiness says that it is healthy",
            "routes/health.py",
            'Health(status="ready")',
            'Health(status="ok")',
            ("test_health.py",),
            framework,
        )
    yield Fault(
        "several processes keep items in memory",
        "/gunicorn.conf.py",
        "workers = 1",
        'workers = int(os.environ.get("WEB_CONCURRENCY", "2"))',
        ("test_gunicorn.py",),
        answers=IN_MEMORY,
    )


FAULTS = (
    *_items(),
    *_routes(),
    *_around(),
    *_browsers(),
    *_database(),
    *_sqlite(),
    *_logs(),
    *_logins(),
    *_security(),
    *_users(),
    *_issuers(),
    *_uploads(),
    *_storage(),
    *_pages(),
    *_admin(),
    *_others(),
)
