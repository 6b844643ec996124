"""The commands. Nothing heavy is imported until it is needed."""

from __future__ import annotations

import os

# One thread per process: chapters run side by side, and sums come out the same everywhere.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import ast
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from missing_lib.book.layout import FORCES_VARIABLE, Layout, find_layout
from missing_lib.book.lock import only_one
from missing_lib.force.errors import BookError, ContractError, together, trace_of

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build the book on children reported missing, for any force.",
)

Parameters = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="Set a parameter of a chapter."),
]
Forces = Annotated[
    Path | None, typer.Option("--forces", help="Folder of force files, if not forces/ here.")
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes at a time.")]
Engine = Annotated[str, typer.Option(hidden=True, help="Papermill engine.")]


@app.command()
def build(
    editions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FORCE[/POPULATION] ...]", help="Default: children of every force."
        ),
    ] = None,
    set_: Parameters = None,
    forces: Forces = None,
    jobs: Jobs = None,
    engine: Engine = "",
) -> None:
    """Build editions of the book: a force and a population (children, adults, all)."""
    from missing_lib.book import build as builder

    layout = _layout(forces)
    parameters = _parameters(set_)
    builder.check_parameters(layout, parameters)
    wanted = builder.wanted_editions(layout, editions or [])
    wish = builder.Wish(wanted, parameters, jobs or builder.default_jobs(), engine)
    started = time.monotonic()
    with only_one(layout.build):
        problems = builder.build(layout, wish, _say)
    if problems:
        raise together(problems)
    start = (layout.build / "index.html").relative_to(layout.root).as_posix()
    typer.echo(f"Built in {time.monotonic() - started:.1f} s. Open {start} in a browser.")


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="Short name, such as prevalence.")],
    edition: Annotated[str, typer.Argument(metavar="FORCE[/POPULATION]")],
    set_: Parameters = None,
    forces: Forces = None,
    engine: Engine = "",
) -> None:
    """Run one chapter of one edition, without making the book."""
    from missing_lib.book import build as builder

    layout = _layout(forces)
    parameters = _parameters(set_)
    builder.check_parameters(layout, parameters)
    (wanted,) = builder.wanted_editions(layout, [edition])
    with only_one(layout.build):
        problems = builder.run_one(layout, wanted, chapter, parameters, engine, _say)
    if problems:
        raise together(problems)


@app.command()
def release(
    editions: Annotated[
        list[str],
        typer.Argument(metavar="FORCE[/POPULATION] ...", help="Editions of one force."),
    ],
    name: Annotated[
        str, typer.Option("--name", help="Name of the folder; default: force, date, number.")
    ] = "",
    first: Annotated[
        bool, typer.Option("--first", help="Nothing of this force was ever released before.")
    ] = False,
    forces: Forces = None,
    jobs: Jobs = None,
    engine: Engine = "",
) -> None:
    """Build editions of one force and write the folder that an output checker approves."""
    from missing_lib.book import build as builder
    from missing_lib.book.release import release as released

    layout = _layout(forces)
    wanted = builder.wanted_editions(layout, editions)
    wish = builder.Wish(wanted, {}, jobs or builder.default_jobs(), engine)
    with only_one(layout.build):
        folder = released(layout, wish, name, _say, first)
    typer.echo(f"Released: {folder.relative_to(layout.root).as_posix()}; begin with README.txt.")


@app.command()
def check(
    force: Annotated[str, typer.Argument(help="Code of the force.")],
    forces: Forces = None,
) -> None:
    """Read a force's extract and say what was kept, merged and set aside; build nothing."""
    from missing_lib.book.check import check as checked

    for line in checked(_layout(forces), force):
        typer.echo(line)


@app.command()
def new(
    code: Annotated[str, typer.Argument(help="Short name of the new force, such as mark.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE ...]")] = None,
    from_: Annotated[
        list[Path] | None, typer.Option("--from", metavar="FILE ...", help="Files of the extract.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the force.")] = "",
    forces: Forces = None,
) -> None:
    """Propose the force file of a new force, from its extract's column names and types."""
    from missing_lib.force.proposal.new import new_force, said

    layout = _layout(forces)
    made = new_force(layout.forces, code, [*(from_ or []), *(more or [])], name)
    for line in said(made, code):
        typer.echo(line)


@app.command()
def schema() -> None:
    """Write the JSON schema of the force file, by which editors complete and check it."""
    from missing_lib.force.json_schema import write_schema

    layout = _layout(None)
    typer.echo(write_schema(layout.forces).relative_to(layout.root).as_posix())


@app.command()
def simulate(
    experiments: Annotated[
        list[str] | None, typer.Argument(metavar="[EXPERIMENT ...]", help="Default: all of them.")
    ] = None,
    replicates: Annotated[
        int, typer.Option("--replicates", "-r", min=1, help="Data sets for each experiment.")
    ] = 400,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Processes at a time.")
    ] = None,
) -> None:
    """Try the book's methods on simulated worlds; a run that was stopped goes on from there."""
    from missing_lib.book import build as builder
    from missing_lib.book import simulate as simulation

    layout = _layout(None)
    chosen = simulation.wanted(experiments or [])
    with only_one(layout.build):
        problems = simulation.simulate(
            layout, chosen, replicates, workers or builder.default_jobs(), _say
        )
    if problems:
        raise together(problems)


@app.command()
def synth() -> None:
    """Make the synthetic forces of data/synthetic again, byte for byte."""
    from missing_lib.synthetic.write import regenerate

    layout = _layout(None)
    for path in regenerate(layout.root):
        typer.echo(path.relative_to(layout.root).as_posix())


def _layout(forces: Path | None) -> Layout:
    if forces is not None:
        os.environ[FORCES_VARIABLE] = str(forces.resolve())
    return find_layout()


def _parameters(given: list[str] | None) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise ContractError([f"--set {text!r}: write NAME=VALUE, such as seed=1"])
        try:
            parameters[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            parameters[name] = value
    return parameters


def _say(edition: str, step: str, how: str, seconds: float) -> None:
    typer.echo(f"{edition:28} {step:14} {how:10} {seconds:6.1f} s")


def main() -> None:
    """Entry point: a problem is said in plain words and has an exit code of its kind."""
    try:
        app()
    except BookError as problem:
        for line in problem.problems:
            print(line, file=sys.stderr)
        sys.exit(problem.exit_code)
    except Exception as problem:
        print(
            f"Something went wrong inside the book ({type(problem).__name__}); it is not your "
            f"doing. Nothing was lost. {_logged(problem)}",
            file=sys.stderr,
        )
        sys.exit(BookError.exit_code)


def _logged(problem: Exception) -> str:
    """Write where it went wrong, without any value, and say in which file that stands."""
    log = Path("_build") / "error.log"
    try:
        log.parent.mkdir(exist_ok=True)
        log.write_text("\n".join([*trace_of(problem), ""]), encoding="utf-8")
    except OSError:
        return "Details could not be written here."
    return f"Details, which quote no data: {log.as_posix()}"


if __name__ == "__main__":
    main()
