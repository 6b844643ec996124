"""Time the intake at growing numbers of incidents beside the bare reading of the same files.

Everything is made up and stands in a temporary folder. Each measurement runs in a process of its
own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

#: Incidents per person reported, and persons known in all per incident, about as in a real force.
SIZES, LARGE = (10_000, 100_000, 1_000_000), 3_300_000
PER_PERSON = 3.3
SEED = 20


def main() -> None:
    """Make each extract, measure both ways of reading it, print a table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--large", action="store_true", help=f"also {LARGE:,} incidents")
    words.add_argument("--quoted", action="store_true", help="every cell in quotation marks")
    words.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    said = words.parse_args()
    if said.one:
        print(json.dumps(measure(said.one[0], Path(said.one[1]))))
        return
    print("| incidents | persons | intake, s | rows/s | MiB | bare read, s | MiB | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for size in (*SIZES, *((LARGE,) if said.large else ())):
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root) / "size"
            persons = make_extract(folder, size, said.quoted)
            bare, intake = (in_own_process(way, folder) for way in ("bare", "intake"))
        seconds, peak = intake
        print(
            f"| {size:,} | {persons:,} | {seconds:.1f} | {(size + persons) / seconds:,.0f} "
            f"| {peak:,.0f} | {bare[0]:.1f} | {bare[1]:,.0f} | {seconds / bare[0]:.1f} |",
            flush=True,
        )


def make_extract(folder: Path, size: int, quoted: bool) -> int:
    """A force of an own vocabulary with the usual damage; return the number of persons."""
    folder.mkdir()
    chance = np.random.default_rng(SEED)
    number = max(int(size / PER_PERSON), 10)
    style = {"index": False, "quoting": 1 if quoted else 0}
    born = pd.Timestamp("1950-01-01") + pd.to_timedelta(chance.integers(0, 22_000, number), "D")
    refs = np.array([f"N{n:07d}" for n in range(number)])
    pd.DataFrame(
        {
            "NOMINAL_REF": refs,
            "DOB": born.strftime("%d/%m/%Y"),
            "GENDER": chance.choice(["F", "M", "U"], number, p=[0.5, 0.48, 0.02]),
            "ETHNICITY": chance.choice(["W1", "B1", "A1", "M1", ""], number),
        }
    ).to_csv(folder / "persons.csv", **style)
    report = pd.Timestamp("2010-01-01") + pd.to_timedelta(
        chance.integers(0, 15 * 365 * 24 * 60, size), "min"
    )
    end = report + pd.to_timedelta(chance.exponential(1200, size).astype(int), "min")
    incidents = pd.DataFrame(
        {
            "REF": [f"MP/{n:08d}" for n in range(size)],
            "NOMINAL_REF": refs[chance.integers(0, number, size)],
            "REPORTED": report.strftime("%d/%m/%Y %H:%M"),
            "FOUND": end.strftime("%d/%m/%Y %H:%M"),
            "RISK": chance.choice(["L", "M", "H"], size, p=[0.2, 0.65, 0.15]),
            "HARM": chance.choice(["Y", "N", ""], size, p=[0.03, 0.9, 0.07]),
            "CARE": chance.choice(["Y", "N"], size),
            "BEAT": chance.choice([f"B{n:03d}" for n in range(200)], size),
        }
    )
    incidents.loc[incidents.index % 97 == 0, "FOUND"] = ""
    incidents.loc[incidents.index % 997 == 0, "REPORTED"] = "not known"
    incidents.iloc[np.r_[0:size, 0 : size // 500]].to_csv(folder / "incidents.csv", **style)
    (folder / "force.yml").write_text(yaml.safe_dump(PAGE, sort_keys=False), encoding="utf-8")
    return number


_STAMP = "%d/%m/%Y %H:%M"
_YES_NO = {"Y": True, "N": False}
PAGE = {
    "code": "size",
    "name": "Size (synthetic)",
    "kind": "synthetic",
    "study": {"start": "2010-01-01", "end": "2024-12-31"},
    "sources": {
        "persons": {
            "file": "persons.csv",
            "columns": {
                "person_id": "NOMINAL_REF",
                "birth_date": {"column": "DOB", "format": "%d/%m/%Y"},
                "sex": {"column": "GENDER", "recode": {"F": "female", "M": "male", "U": None}},
                "ethnicity_officer": {
                    "column": "ETHNICITY",
                    "recode": {"W1": "white", "B1": "black", "A1": "asian", "M1": "mixed"},
                },
            },
        },
        "incidents": {
            "file": "incidents.csv",
            "columns": {
                "incident_id": "REF",
                "person_id": "NOMINAL_REF",
                "reported_at": {"column": "REPORTED", "format": _STAMP},
                "ended_at": {"column": "FOUND", "format": _STAMP},
                "risk_final": {
                    "column": "RISK",
                    "recode": {"L": "low", "M": "medium", "H": "high"},
                },
                "harm": {"column": "HARM", "recode": _YES_NO},
                "from_care": {"column": "CARE", "recode": _YES_NO},
            },
        },
    },
}


def measure(way: str, folder: Path) -> tuple[float, float]:
    """Seconds of one reading and the peak memory of the process in MiB."""
    if way == "bare":
        started = time.perf_counter()
        for name in ("persons.csv", "incidents.csv"):
            pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    else:
        from missing_lib.force.intake import take_in
        from missing_lib.force.spec import read_force_file

        force = read_force_file(folder / "force.yml")
        started = time.perf_counter()
        taken = take_in(force, folder)
        if not (taken.accounts["kept"] > 0).all():
            raise SystemExit("nothing was kept")
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_own_process(way: str, folder: Path) -> tuple[float, float]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", way, str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


if __name__ == "__main__":
    main()
