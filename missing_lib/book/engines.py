"""Two ways of running a notebook's cells: in this process, or in a kernel over IPC."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from IPython.utils.capture import capture_output
from jupyter_client.manager import AsyncKernelManager
from papermill.engines import Engine, NBClientEngine, papermill_engines
from papermill.iorw import papermill_io

from missing_lib.force.errors import trace_of

IN_PROCESS = "missing-book-in-process"
KERNEL = "missing-book-kernel"
#: Colours in a kernel's tracebacks, and lines of it that name a place in a file or a cell.
_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"File (?P<file>\S.*):(?P<line>\d+), in |Cell In\[\d+\], line (?P<cell>\d+)")


class Kept:
    """Where papermill writes an executed notebook: nowhere but here.

    What a cell displayed has not passed the gate, and on a disk it would outlive a process that is
    killed.
    """

    scheme = "kept://"

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def write(self, text: str, path: str) -> None:
        """Keep a text under an address."""
        self.texts[path] = text

    def read(self, path: str) -> str:
        """What was written last."""
        return self.texts[path]

    def pretty_path(self, path: str) -> str:
        """The address as it is."""
        return path


def default_engine() -> str:
    """In process where a child can be forked from a parent that holds the stack, else a kernel.

    Only Linux forks safely once numerical libraries are loaded.
    """
    return IN_PROCESS if sys.platform == "linux" else KERNEL


def register() -> Kept:
    """Make the engines known to papermill, and where it writes; return that."""
    papermill_engines.register(IN_PROCESS, InProcessEngine)
    papermill_engines.register(KERNEL, IpcKernelEngine)
    kept = Kept()
    papermill_io.register(Kept.scheme, kept)
    return kept


class IpcKernelManager(AsyncKernelManager):
    """Kernels that talk over local sockets of the file system, where the system has them.

    The default transport is unencrypted TCP, open to every user of the machine.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if hasattr(os, "getuid"):
            self.transport = "ipc"


class IpcKernelEngine(NBClientEngine):
    """Papermill's own engine with kernels over IPC."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run all cells in a kernel whose sockets live in a short, private folder."""
        with tempfile.TemporaryDirectory(prefix="mb-") as folder:
            os.environ["JUPYTER_RUNTIME_DIR"] = folder
            NBClientEngine.execute_managed_notebook(
                nb_man, kernel_name, kernel_manager_class=IpcKernelManager, **options
            )
        for cell in nb_man.nb.cells:
            for output in cell.get("outputs", ()):
                if output.output_type == "error":
                    output.traceback = places_in(output.traceback, output.ename)


def places_in(lines: list[str], kind: str) -> list[str]:
    """What of a kernel's traceback cannot quote a value: the type, and lines of cells and files.

    A message that looks like a place gets no further than a number or a file that is there.

    Examples
    --------
    >>> places_in(["Cell In[3], line 2", "----> 2 f(x)", "KeyError: 'you'"], "KeyError")
    ['KeyError', '  the cell, line 2']
    """
    places = []
    for line in _PAINT.sub("", "\n".join(lines)).splitlines():
        found = _PLACE.match(line)
        if found and found["cell"]:
            places.append(f"  the cell, line {found['cell']}")
        elif found and Path(found["file"]).expanduser().is_file():
            places.append(f"  {found['file']}:{found['line']}")
    return [kind, *places]


class ResultHook(DisplayHook):
    """Results of cells become outputs, as in a kernel, instead of text with a prompt."""

    def write_output_prompt(self) -> None:
        """No prompt."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Publish the value beside what the cell displayed."""
        assert self.shell is not None
        self.shell.display_pub.publish(data=format_dict, metadata=md_dict)


class InProcessEngine(Engine):
    """Run all cells in a fresh IPython shell of this process, without kernel or socket."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run cell after cell; the first that fails ends the notebook."""
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance(displayhook_class=ResultHook)
        select_figure_formats(shell, {"png"})
        for index, cell in enumerate(nb_man.nb.cells):
            if cell.cell_type != "code":
                continue
            nb_man.cell_start(cell, index)
            failure = _run_cell(shell, cell)
            if failure is not None:
                nb_man.cell_exception(cell, index, exception=failure)
                break
            nb_man.cell_complete(cell, index)


def _run_cell(shell: InteractiveShell, cell: nbformat.NotebookNode) -> BaseException | None:
    """Run one cell, store its outputs in it, and return what it raised."""
    with capture_output() as captured:
        result = shell.run_cell(cell.source, store_history=False)
    failure = result.error_before_exec or result.error_in_exec
    outputs = []
    for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr)):
        if text and failure is None:
            outputs.append(nbformat.v4.new_output("stream", name=name, text=text))
    for shown in captured.outputs:
        outputs.append(nbformat.v4.new_output("display_data", data=shown.data))
    if failure is not None:
        outputs.append(
            nbformat.v4.new_output(
                "error",
                ename=type(failure).__name__,
                evalue=str(failure),
                traceback=trace_of(failure),
            )
        )
    cell.outputs = outputs
    return failure
