"""A service that keeps notes. `uvicorn notes_service:app`, then try it:

curl -X POST 'http://127.0.0.1:8000/people/ann/notes/shopping?text=milk'
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI

from unison_storage import Keyspace, Storage
from unison_storage_gateway import get_storage, include_storage_routes, lifespan, single_token

storage = Storage("sqlite:///notes.db", profile="development", keyspaces=[Keyspace("notes", person_scoped=True)])
app = FastAPI(lifespan=lifespan(storage))
include_storage_routes(app, storage, principals=single_token("for-development"), prefix="/storage")


@app.post("/people/{person}/notes/{title}")
async def write(person: str, title: str, text: str, storage: Annotated[Storage, Depends(get_storage)]) -> str:
    return (await storage.memory.at("notes", person).put(title, text)).version


@app.get("/people/{person}/notes")
async def titles(person: str, storage: Annotated[Storage, Depends(get_storage)]) -> list[str]:
    return [key async for key in storage.memory.at("notes", person).keys()]
