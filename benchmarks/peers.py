"""Run one task in a process of its own, in this Python or in R, and say what it cost.

Every contender gets the same columns as plain binary files, so that reading them costs next to
nothing; one processor thread; a first call that is printed apart, because it may compile; then
some timed calls. Seconds are processor seconds, which on an idle machine are those of the clock
and on a busy one do not count the neighbours. The peak of memory is that of the whole process
from after the reading on, in MiB; where the system cannot say so, the reading is part of it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

#: What a task is: it prepares what a user has in hand, and gives back the work to be timed,
#: whose answer is a few numbers by name.
Columns = dict[str, np.ndarray]
Task = Callable[[Columns], Callable[[], Mapping[str, float]]]

RUNS = 3
#: A timed run repeats short work until it has taken this long.
LEAST_SECONDS = 0.2
#: Work whose first call takes longer than this is not repeated.
PATIENCE = 30.0
#: A contender that has not answered by then is out.
OUT = 600.0
ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
#: An empty cache of compiled loops, so that the first process of a benchmark shows the compiling.
_COMPILED = tempfile.TemporaryDirectory()


@dataclass(frozen=True)
class Cost:
    """What a task took, and what it answered.

    Attributes
    ----------
    seconds : float
        Processor seconds of one call, median of the timed runs.
    first : float
        Clock seconds of the first call, compiling included.
    peak : float
        Largest resident memory of the process, MiB.
    before : float
        Resident memory of the process before the work, data and libraries included, MiB.
    answer : dict
        Numbers by name.
    """

    seconds: float
    first: float
    peak: float
    before: float
    answer: dict[str, float]


def write(frame: pd.DataFrame, folder: Path) -> None:
    """Write each column as a plain binary file: whole numbers in 32 bits, others as doubles."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = []
    for name, column in frame.items():
        whole = column.dtype.kind in "iub"
        values = column.to_numpy(np.int32 if whole else np.float64)
        values.tofile(folder / f"{name}.bin")
        kinds.append(f"{name} {values.dtype} {len(values)}")
    (folder / "columns.txt").write_text("\n".join(kinds) + "\n", encoding="utf-8")


def read(folder: Path) -> Columns:
    """Columns that :func:`write` wrote."""
    lines = (folder / "columns.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return {
        name: np.fromfile(folder / f"{name}.bin", dtype=kind)
        for name, kind, _ in (line.split() for line in lines)
    }


def serve(tasks: Mapping[str, Task]) -> bool:
    """Do the one task that the command line asks for (``--one TASK FOLDER``), if it asks."""
    if sys.argv[1:2] != ["--one"]:
        return False
    work = tasks[sys.argv[2]](read(Path(sys.argv[3])))
    before = _memory("VmRSS")
    _forget_peak()
    started, used = time.perf_counter(), time.process_time()
    answer = work()
    first, used = time.perf_counter() - started, time.process_time() - used
    calls = max(1, min(1000, int(LEAST_SECONDS / max(first, 1e-6))))
    runs = []
    for _ in range(RUNS if first < PATIENCE else 0):
        started = time.process_time()
        for _ in range(calls):
            answer = work()
        runs.append((time.process_time() - started) / calls)
    said = {
        "seconds": statistics.median(runs or [used]),
        "first": first,
        "peak": _memory("VmHWM"),
        "before": before,
        "answer": {name: float(value) for name, value in answer.items()},
    }
    print(json.dumps(said))
    return True


def in_python(script: str, task: str, folder: Path) -> Cost | None:
    """The task of a script that calls :func:`serve`; None where it took too long."""
    return _cost([sys.executable, script, "--one", task, str(folder)])


@cache
def r_lacks(*packages: str) -> str:
    """Why R cannot take part; empty where it can."""
    if not shutil.which("Rscript"):
        return "there is no Rscript here"
    wanted = ", ".join(f"'{name}'" for name in packages)
    asked = f"for (p in c({wanted})) if (!requireNamespace(p, quietly = TRUE)) cat(p, '')"
    said = subprocess.run(["Rscript", "-e", asked], capture_output=True, text=True, check=False)
    missing = said.stdout.split() if said.returncode == 0 else list(packages)
    return f"R lacks {' and '.join(missing)}" if missing else ""


def in_r(prepare: str, work: str, folder: Path, *packages: str) -> Cost | None:
    """A task in R; None where it took too long or R cannot take part.

    Parameters
    ----------
    prepare : str
        R code, not timed, that finds the columns in the list ``d``.
    work : str
        R code whose value is a named numeric vector.
    """
    if r_lacks(*packages):
        return None
    numbers = {"RUNS": RUNS, "LEAST": LEAST_SECONDS, "PATIENCE": PATIENCE}
    head = "".join(f"{name} <- {value}\n" for name, value in numbers.items())
    head += "".join(f"suppressMessages(library({name}))\n" for name in packages)
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "task.R"
        text = f"{head}{_R_READ}{prepare}\nwork <- function() {{\n{work}\n}}\n{_R_MEASURE}"
        script.write_text(text, encoding="utf-8")
        return _cost(["Rscript", "--vanilla", str(script), str(folder)])


def off_by(ours: Cost, theirs: Cost) -> float:
    """Largest relative difference between two answers, over the names that both have."""
    names = ours.answer.keys() & theirs.answer.keys()
    if not names:
        raise ValueError("the two answers have no name in common")
    pairs = np.array([[ours.answer[name], theirs.answer[name]] for name in sorted(names)])
    scale = np.maximum(np.abs(pairs).max(axis=1), 1e-12)
    difference = np.abs(pairs[:, 0] - pairs[:, 1]) / scale
    return float(np.where(np.isnan(pairs).any(axis=1), np.inf, difference).max())


def _cost(words: list[str]) -> Cost | None:
    environment = os.environ | ONE_THREAD | {"NUMBA_CACHE_DIR": _COMPILED.name}
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, env=environment, timeout=OUT
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return Cost(**json.loads(done.stdout.strip().split("\n")[-1]))


def _memory(which: str) -> float:
    """Resident memory of this process in MiB: ``VmRSS`` now, or ``VmHWM`` at its largest.

    Not ``ru_maxrss`` where it can be helped: a child begins with that of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return float(lines[which].split()[0]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _forget_peak() -> None:
    """Let the largest memory be counted from now on, where Linux allows it."""
    if os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


_R_READ = """
folder <- commandArgs(trailingOnly = TRUE)[1]
columns <- read.table(file.path(folder, "columns.txt"), col.names = c("name", "kind", "n"))
d <- lapply(seq_len(nrow(columns)), function(i) {
  kind <- if (columns$kind[i] == "int32") "integer" else "double"
  readBin(file.path(folder, paste0(columns$name[i], ".bin")), kind, columns$n[i])
})
names(d) <- columns$name
"""

_R_MEASURE = """
memory <- function(which) {
  if (!file.exists("/proc/self/status")) return(NA)
  line <- grep(paste0("^", which), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
invisible(gc())
before <- memory("VmRSS")
try(suppressWarnings(cat("5", file = "/proc/self/clear_refs")), silent = TRUE)
took <- system.time(answer <- work(), gcFirst = FALSE)
first <- took[["elapsed"]]
calls <- max(1, min(1000, floor(LEAST / max(first, 1e-6))))
runs <- if (first < PATIENCE) replicate(RUNS, {
  used <- system.time(for (i in seq_len(calls)) answer <- work(), gcFirst = FALSE)
  sum(used[1:2]) / calls
}) else sum(took[1:2])
number <- function(x) ifelse(is.na(x), "NaN", sprintf("%.17g", x))
cat(sprintf('{"seconds": %s, "first": %s, "peak": %s, "before": %s, "answer": {%s}}\\n',
  number(median(runs)), number(first), number(memory("VmHWM")), number(before),
  paste(sprintf('"%s": %s', names(answer), number(answer)), collapse = ", ")))
"""
