"""How the admin site shows tables and changes their rows."""

import datetime as dt
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError
from sqladmin import ModelView
from sqladmin.formatters import BASE_FORMATTERS
from sqlalchemy import JSON, Column, Select, String, inspect, or_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from starlette.exceptions import HTTPException
from starlette.requests import Request

from .admin_forms import Converter, fields_for, form_options
from .database import Database, explain
from .problems import UnfitError

# What an id can be at most in any database.
LARGEST_ID = 2**63 - 1


class Sessions(sessionmaker[Session]):
    """Opens sessions of the database that the service has."""

    def __init__(self, database: Callable[..., Database]) -> None:
        super().__init__()
        self.database = database

    def __call__(self, **options: Any) -> Session:
        """Open a session."""
        return self.database().sessions(**options)


@contextmanager
def explained() -> Iterator[None]:
    """Have what the database refuses told in a sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        raise explain(error) or error from None


def checked(schema: type[BaseModel], data: dict[str, Any]) -> BaseModel:
    """Check what was entered, or raise an error that says what is wrong."""
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)
        raise UnfitError("; ".join(f"{part['loc'][0]}: {part['msg']}" for part in wrong)) from None


class Table(ModelView):
    """A table with all its columns; the options are those of sqladmin's ``ModelView``."""

    # What is checked, as the API does it, and which fields are only ever entered.
    create_schema: ClassVar[type[BaseModel] | None] = None
    update_schema: ClassVar[type[BaseModel] | None] = None
    write_only: ClassVar[frozenset[str]] = frozenset()

    can_export = False
    column_list: ClassVar[str | Sequence[Any]] = "__all__"
    column_type_formatters: ClassVar = {
        **BASE_FORMATTERS,
        dt.datetime: lambda value: value.isoformat(sep=" ", timespec="seconds"),
        list: lambda value: ", ".join(map(str, value)),
    }
    form_converter = Converter
    page_size = 25

    @classmethod
    def copy(cls) -> type["Table"]:
        """Give each application a view of its own, into which sqladmin writes."""
        names = {"name": cls.name, "name_plural": cls.name_plural}
        return types.new_class(
            cls.__name__, (cls,), {"model": cls.model}, lambda at: at.update(names)
        )

    async def insert_model(self, request: Request, data: dict[str, Any]) -> Any:
        """Add a row."""
        if self.create_schema:
            data = checked(self.create_schema, self.entered(data)).model_dump()
        with explained():
            return await super().insert_model(request, data)

    async def update_model(self, request: Request, pk: str, data: dict[str, Any]) -> Any:
        """Change a row."""
        if self.update_schema:
            fields = checked(self.update_schema, self.entered(data))
            data = fields.model_dump(exclude_unset=True)
        with explained():
            row = await self.get_object_for_edit(request)
            changes = {k: v for k, v in data.items() if not is_same(getattr(row, k, None), v)}
            return await super().update_model(request, pk, changes)

    async def delete_model(self, request: Request, pk: Any) -> None:
        """Delete a row."""
        with explained():
            await super().delete_model(request, pk)

    async def get_form_data_for_edit(self, obj: Any) -> dict[str, Any]:
        """Give what the form shows of a row."""
        data = await super().get_form_data_for_edit(obj)
        return {name: value for name, value in data.items() if name not in self.write_only}

    def entered(self, data: dict[str, Any]) -> dict[str, Any]:
        """Leave out the fields that were left empty, unless they can be empty."""
        columns = self._mapper.columns
        return {
            name: value
            for name, value in data.items()
            if value is not None or (columns[name].nullable and name not in self.write_only)
        }

    def search_query(self, stmt: Select[Any], term: str) -> Select[Any]:
        """Find rows that have a text somewhere, as it stands."""
        columns = self._mapper.columns
        found = [columns[name].icontains(term, autoescape=True) for name in self._search_fields]
        return stmt.where(or_(*found))

    def _stmt_by_identifier(self, identifier: str) -> Select[Any]:
        try:
            statement: Select[Any] = super()._stmt_by_identifier(identifier)
        except ValueError:
            raise HTTPException(404) from None
        ids = statement.compile().params.values()
        if any(isinstance(one, int) and abs(one) > LARGEST_ID for one in ids):
            raise HTTPException(404)
        return statement


def is_same(stored: object, entered: object) -> bool:
    """Tell whether a moment was left as it is: the form shows whole seconds."""
    return isinstance(stored, dt.datetime) and stored.replace(microsecond=0) == entered


def table(
    model: type[Any],
    create: type[BaseModel] | None = None,
    update: type[BaseModel] | None = None,
    public: type[BaseModel] | None = None,
    **options: Any,
) -> type[Table]:
    """Make the view of a table, with its columns or with the fields that the API has.

    Args:
        model: The class of the table.
        create: What the API takes for a new row; all columns can be entered without it.
        update: What the API takes for changes.
        public: What the API shows of a row; what it does not is never shown here.
        options: Options of sqladmin's ``ModelView`` that differ.
    """
    columns: dict[str, Column[Any]] = dict(inspect(model).columns.items())
    shown = list(public.model_fields) if public else list(columns)
    attributes: dict[str, Any] = {
        "name_plural": title(model.__tablename__),
        "column_list": shown,
        "column_details_list": shown,
        "form_overrides": fields_for(columns),
        "column_labels": {name: title(name) for name in columns},
        "column_searchable_list": [n for n in shown if isinstance(columns[n].type, String)],
        "column_sortable_list": [n for n in shown if not isinstance(columns[n].type, JSON)],
    }
    if create and update:
        write_only = frozenset(create.model_fields.keys() - shown)
        attributes |= {
            "create_schema": create,
            "update_schema": update,
            "write_only": write_only,
            **form_options(create, update, columns, write_only),
        }
    attributes |= options
    return types.new_class(
        f"{model.__name__}Admin", (Table,), {"model": model}, lambda at: at.update(attributes)
    )


def title(name: str) -> str:
    """Make a title of a name."""
    return name.replace("_", " ").capitalize()
