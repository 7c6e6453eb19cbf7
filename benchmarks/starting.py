"""What importing costs, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

from measuring import Figure, ratio, rounds, save

HEAVY = ("pydantic", "pluggy", "cryptography", "fastapi", "starlette", "uvicorn", "sqlite3", "typer", "rich")


def seconds(code: str) -> float:
    program = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def measure() -> list[Figure]:
    found = rounds(
        {
            "asyncio": lambda: seconds("import asyncio"),
            "with msgspec": lambda: seconds("import asyncio, msgspec"),
            "ours": lambda: seconds("import unison_storage; unison_storage.Storage"),
        },
        count=15,
    )
    ours, floor = ratio(found, "ours", "asyncio"), ratio(found, "with msgspec", "asyncio")
    program = (
        "import unison_storage, sys; unison_storage.Storage; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    return [
        Figure(
            "import `unison_storage` and touch `Storage`",
            "≤ 2.2 × `import asyncio`",
            f"{ours:.2f} ×",
            ours <= 2.2,
            f"asyncio with msgspec alone: {floor:.2f} ×",
        ),
        Figure(
            "driver, pydantic, cryptography or web framework loaded by it",
            "none",
            ", ".join(loaded) or "none",
            not loaded,
        ),
    ]


if __name__ == "__main__":
    save("starting", "Starting", measure())
