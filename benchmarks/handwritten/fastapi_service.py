"""A service as one would write it by hand in FastAPI: the same routes, and nothing around them."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, Numeric, create_engine, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["DATABASE_URL"])
data = Path(os.environ["DATA_DIRECTORY"])


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    tags: Mapped[list[str]] = mapped_column(JSON)
    internal_note: Mapped[str]


Base.metadata.create_all(engine)


class Health(BaseModel):
    status: str


class ItemIn(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    price: Decimal = Field(gt=0, max_digits=10, decimal_places=2)
    tags: list[str] = Field(default=[], max_length=10)
    internal_note: str = Field(default="", max_length=500)


class ItemChanges(BaseModel):
    name: str = Field(default="", min_length=1, max_length=100)
    price: Decimal = Field(default=Decimal(0), gt=0, max_digits=10, decimal_places=2)
    tags: list[str] = Field(default=[], max_length=10)
    internal_note: str = Field(default="", max_length=500)


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price: Decimal
    tags: list[str]


class ItemPage(BaseModel):
    items: list[ItemOut]
    total: int
    limit: int
    offset: int


class Upload(BaseModel):
    filename: str
    status: str
    sha256: str | None = None


def get_session() -> Iterator[Session]:
    with Session(engine) as session, session.begin():
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
Credentials = Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]

app = FastAPI(title="Service")
app.mount("/static", StaticFiles(directory=data))
templates = Jinja2Templates(directory=data)


def find(session: Session, item_id: int) -> Item:
    item = session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, f"Item {item_id} not found")
    return item


@app.get("/", response_class=HTMLResponse)
def home(request: Request, session: SessionDep) -> Response:
    items = session.scalars(select(Item).order_by(Item.id).limit(100)).all()
    return templates.TemplateResponse(request, "home.html", {"items": items})


@app.post("/")
def add_item(
    session: SessionDep, name: Annotated[str, Form()], price: Annotated[Decimal, Form()]
) -> Response:
    session.add(Item(name=name, price=price, tags=[], internal_note=""))
    return RedirectResponse("/", 303)


@app.get("/health")
async def health() -> Health:
    return Health(status="ok")


@app.get("/ready")
def ready(session: SessionDep) -> Health:
    session.execute(text("SELECT 1"))
    return Health(status="ready")


@app.get("/items")
def list_items(
    session: SessionDep,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> ItemPage:
    items = select(Item)
    if q:
        items = items.where(Item.name.icontains(q, autoescape=True))
    total = session.scalar(select(func.count()).select_from(items.subquery()))
    page = session.scalars(items.order_by(Item.id).limit(limit).offset(offset))
    return ItemPage(
        items=[ItemOut.model_validate(item) for item in page],
        total=total or 0,
        limit=limit,
        offset=offset,
    )


@app.post("/items", status_code=201)
def create_item(body: ItemIn, session: SessionDep, response: Response) -> ItemOut:
    item = Item(**body.model_dump())
    session.add(item)
    session.flush()
    response.headers["Location"] = f"/items/{item.id}"
    return ItemOut.model_validate(item)


@app.get("/items/{item_id}")
def read_item(item_id: int, session: SessionDep) -> ItemOut:
    return ItemOut.model_validate(find(session, item_id))


@app.put("/items/{item_id}")
def replace_item(item_id: int, body: ItemIn, session: SessionDep) -> ItemOut:
    item = find(session, item_id)
    for name, value in body.model_dump().items():
        setattr(item, name, value)
    return ItemOut.model_validate(item)


@app.patch("/items/{item_id}")
def update_item(item_id: int, body: ItemChanges, session: SessionDep) -> ItemOut:
    item = find(session, item_id)
    for name, value in body.model_dump(exclude_unset=True).items():
        setattr(item, name, value)
    return ItemOut.model_validate(item)


@app.delete("/items/{item_id}", status_code=204)
def delete_item(item_id: int, session: SessionDep) -> None:
    session.delete(find(session, item_id))


@app.get("/whoami")
def whoami(credentials: Credentials) -> dict[str, str]:
    right = secrets.compare_digest(credentials.password, os.environ["BASIC_AUTH_PASSWORD"])
    if not right:
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
    return {"username": credentials.username}


def process(filename: str) -> None:
    digest = hashlib.sha256((data / filename).read_bytes()).hexdigest()
    (data / f"{filename}.sha256").write_text(digest)


@app.post("/uploads/{filename}", status_code=202)
async def upload(filename: str, request: Request, tasks: BackgroundTasks) -> Upload:
    (data / filename).write_bytes(await request.body())
    tasks.add_task(process, filename)
    return Upload(filename=filename, status="processing")


@app.get("/uploads/{filename}")
def read_upload(filename: str) -> Upload:
    result = data / f"{filename}.sha256"
    if not result.exists():
        return Upload(filename=filename, status="processing")
    return Upload(filename=filename, status="done", sha256=result.read_text())
