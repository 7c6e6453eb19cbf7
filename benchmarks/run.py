"""Run the benchmarks, keep their figures, and write ``docs/benchmarks.md`` from all that are kept.

make bench              # everything
make bench ONLY=embedded
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

from measuring import RESULTS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
ALL = (
    "starting",
    "overhead",
    "embedded",
    "postgres",
    "postgres_peers",
    "postgres_graph",
    "postgres_scale",
    "valkey",
    "neo4j_graph",
    "copying",
    "graphs",
    "streaming",
    "judging",
)
HEAD = """# Benchmarks

Ratios within one run on one machine: the arms take turns in a new order each round, and medians are kept. Absolute
figures belong to the machine they were taken on. `make bench` takes them all and writes this page; `make bench
ONLY=embedded` takes one group. A goal that is missed is marked as missed, with what limits it.

"""


def main(names: list[str]) -> int:
    from rich.console import Console
    from rich.table import Table

    unknown = set(names) - set(ALL)
    if unknown:
        print(f"no benchmark is called {', '.join(sorted(unknown))}; there is {', '.join(ALL)}", file=sys.stderr)
        return 2
    console = Console()
    for name in names or ALL:
        console.print(f"[bold]{name}[/] …")
        subprocess.run([sys.executable, HERE / f"{name}.py"], check=True)
    page = HEAD + f"Taken on CPython {platform.python_version()}, {platform.system()} {platform.machine()}.\n"
    for name in ALL:
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        document = json.loads(path.read_text())
        page += f"\n## {document['title']}\n\n| what | goal | figure | | |\n|---|---|---|---|---|\n"
        table = Table("what", "goal", "figure", "", "", title=document["title"])
        for figure in document["figures"]:
            mark = "–" if figure["goal"] == "–" else "met" if figure["met"] else "**missed**"
            row = (figure["what"], figure["goal"], figure["figure"], mark, figure["note"])
            page += "| " + " | ".join(row) + " |\n"
            table.add_row(*row)
        console.print(table)
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
