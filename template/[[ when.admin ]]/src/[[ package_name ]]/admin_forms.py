"""The forms of the admin site: the fields that rows are entered in, and what is checked."""

import types
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from sqladmin.fields import JSONField, SelectField, TimezoneAwareDateTimeField
from sqladmin.forms import ModelConverter
from sqlalchemy import Column
from sqlalchemy.orm import ColumnProperty
from wtforms import DecimalField, Field, Form, TextAreaField
from wtforms.validators import InputRequired, Optional

STYLE = {"class": "form-control"}


class LinesField(TextAreaField):
    """A list of texts, one a line."""

    def _value(self) -> str:
        return "\n".join(self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the lines that are not empty."""
        lines = [line.strip() for line in "\n".join(valuelist).splitlines()]
        self.data: Any = [line for line in lines if line]


class AnyJSONField(JSONField):
    """A value as JSON; sqladmin's own field would make an empty object of an empty list."""

    def _value(self) -> str:
        is_empty_list = isinstance(self.data, list) and not self.data
        return "[]" if is_empty_list and not self.raw_data else super()._value()


class SchemaForm(Form):
    """A form whose fields are checked as those of the API are, by a schema without defaults."""

    schema: ClassVar[type[BaseModel]]

    def validate(self, extra_validators: Any = None) -> bool:
        """Tell whether what was entered can be stored; what is wrong stands at each field."""
        if not super().validate(extra_validators):
            return False
        try:
            self.schema.model_validate({k: v for k, v in self.data.items() if v is not None})
        except ValidationError as error:
            for part in error.errors(include_input=False, include_url=False):
                field = self[str(part["loc"][0])]
                field.errors = [*field.errors, part["msg"]]
            return False
        return True


class Converter(ModelConverter):
    """Makes a field of each column."""

    def _prepare_column(
        self, prop: ColumnProperty[Any], form_include_pk: bool, kwargs: dict[str, Any]
    ) -> dict[str, Any] | None:
        required = kwargs.pop("required", None)
        # A reference is entered as the id of what it refers to.
        included = form_include_pk or not prop.columns[0].primary_key
        prepared = super()._prepare_column(prop, included, kwargs)
        if prepared and required is not None:
            prepared["validators"] = [InputRequired() if required else Optional()]
        return prepared


# What other fields than sqladmin's enter: by the names of the types of columns.
FIELDS: dict[str, type[Field]] = {
    "JSON": AnyJSONField,
    "Moment": TimezoneAwareDateTimeField,
    "Money": DecimalField,
}


def fields_for(columns: Mapping[str, Column[Any]]) -> dict[str, type[Field]]:
    """Give the fields of the columns that sqladmin's own would not fit."""
    kinds = {name: type(column.type).__name__ for name, column in columns.items()}
    return {name: FIELDS[kind] for name, kind in kinds.items() if kind in FIELDS}


def form_options(
    create: type[BaseModel],
    update: type[BaseModel],
    columns: Mapping[str, Column[Any]],
    write_only: Collection[str],
) -> dict[str, Any]:
    """Give the options of a view that has the fields of schemas entered."""
    fields = create.model_fields
    form = types.new_class("RowForm", (SchemaForm,), exec_body=lambda at: at.update(schema=update))
    return {
        "form_base_class": form,
        "form_columns": list(fields),
        "form_args": {
            name: arguments(field, columns[name], is_write_only=name in write_only)
            for name, field in fields.items()
        },
        "form_overrides": {
            **fields_for(columns),
            **{name: LinesField for name, field in fields.items() if is_list(field)},
            **{name: SelectField for name, field in fields.items() if choices(field)},
        },
    }


def arguments(field: FieldInfo, column: Column[Any], *, is_write_only: bool) -> dict[str, Any]:
    """Say how the field of a schema is entered."""
    given: dict[str, Any] = {
        "required": field.is_required()
        and not is_write_only
        and not is_list(field)
        and field.annotation is not bool,
    }
    if not field.is_required():
        given["default"] = lambda: field.get_default(call_default_factory=True)
    if is_write_only:
        given["description"] = "It is never shown. Empty: what there is stays."
    if is_list(field):
        given["description"] = "One a line."
    for key in column.foreign_keys:
        given["description"] = f"An id of the {key.column.table.name}."
    if column.nullable or is_write_only:
        given["filters"] = [lambda value: None if value == "" else value]
    if words := choices(field):
        given["choices"] = [(word, word) for word in words]
        given["allow_blank"] = column.nullable
    return given


def is_list(field: FieldInfo) -> bool:
    """Tell whether a field holds a list."""
    return get_origin(field.annotation) is list


def choices(field: FieldInfo) -> list[str]:
    """Give the words that a field can be, if it is one of some."""
    for part in (field.annotation, *get_args(field.annotation)):
        if get_origin(part) is Literal:
            return list(get_args(part))
    return []
