"""Where the rows of a force may lie: in its own restricted folder, and nowhere else."""

from __future__ import annotations

from pathlib import Path

RESTRICTED = "restricted"


def restricted_folder(force_folder: Path) -> Path:
    """Where what must not leave is kept."""
    return force_folder / RESTRICTED


def make_restricted_folder(force_folder: Path) -> Path:
    """Make the folder, for its owner alone and unknown to version control."""
    folder = restricted_folder(force_folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder
