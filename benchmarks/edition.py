"""Time the build of the default edition beside the same analysis as one plain script.

Works on a copy of the sources in a temporary folder, so nothing here is touched.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from missing_lib.book.toc import read_toc

ROOT = Path(__file__).parents[1]
SOURCES = (
    "_config.yml", "_toc.yml", "_static", "chapters", "data", "forces", "index.md",
    "references.bib", "requirements.lock",
)  # fmt: skip
ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def main() -> None:
    """Print one line for each measurement, then the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("restricted"))
            else:
                shutil.copyfile(source, tree / name)
        edition = ["-m", "missing_lib.cli", "build", "thames-valley"]
        run(tree, ["-m", "missing_lib.cli", "check", "thames-valley"])
        script = plain_script(tree)
        plain, _ = run(tree, [str(script)])
        clean, said = run(tree, edition)
        nothing, _ = run(tree, edition)
        chapter = tree / "chapters" / "repeats.md"
        chapter.write_text(chapter.read_text(encoding="utf-8") + "\nOne more line.\n")
        edited, _ = run(tree, edition)
    book = sum(float(s) for s in re.findall(r" book +done +([\d.]+) s", said))
    for what, seconds in (
        ("the same cells as one plain script", plain),
        ("clean build", clean),
        ("  of which chapters and findings", clean - book),
        ("  of which the book (sphinx)", book),
        ("build with nothing changed", nothing),
        ("build with one chapter edited", edited),
    ):
        print(f"{what:40} {seconds:6.1f} s")
    print(f"chapters / plain script: {(clean - book) / plain:.2f}")
    print(said)


def plain_script(tree: Path) -> Path:
    """All code cells of all chapters but the findings, one after another."""
    parts = []
    for name in read_toc(tree).chapters:
        text = (tree / "chapters" / f"{name}.md").read_text(encoding="utf-8")
        parts += re.findall(
            r"^```\{code-cell\}[^\n]*\n(?::tags:[^\n]*\n)?(.*?)^```", text, re.M | re.S
        )
    script = tree / "plain.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    return script


def run(tree: Path, words: list[str]) -> tuple[float, str]:
    """Wall seconds and output of a command of the project's Python."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], cwd=tree, env=ENVIRONMENT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - started, done.stdout


if __name__ == "__main__":
    main()
