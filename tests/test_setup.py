"""One set of versions, however a user gets them, and documents that say what is there."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from missing_lib import __version__
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WANTED = [
    Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
]
LOCK = (ROOT / "requirements.lock").read_text()
#: Supported systems, as the markers of the lock see them.
SYSTEMS = [
    {"python_full_version": f"3.{minor}.7", "python_version": f"3.{minor}", "sys_platform": system,
     "os_name": os_name, "platform_system": name, "implementation_name": "cpython",
     "platform_python_implementation": "CPython", "platform_machine": "x86_64", "extra": ""}
    for minor in (11, 12, 13)
    for system, os_name, name in (
        ("linux", "posix", "Linux"), ("darwin", "posix", "Darwin"), ("win32", "nt", "Windows"),
    )
]  # fmt: skip


def locked(environment: dict[str, str]) -> dict[str, str]:
    """Version of every package on a system."""
    lines = re.findall(r"^([a-z0-9].*?) \\?$", LOCK, re.M)
    found = {}
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert requirement.name not in found, requirement.name
            found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("environment", SYSTEMS)
def test_lock_satisfies_the_project_everywhere(environment: dict[str, str]) -> None:
    versions = locked(environment)
    for requirement in WANTED:
        assert requirement.specifier.contains(versions[requirement.name]), requirement


def test_lock_has_hashes_and_no_address() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK
    assert "index-url" not in LOCK


def test_conda_takes_the_same_lock_and_the_same_pythons() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(d for d in environment["dependencies"] if str(d).startswith("python"))
    pip = next(d for d in environment["dependencies"] if isinstance(d, dict))["pip"]
    assert pip == ["--require-hashes", "-r requirements.lock"]
    assert SpecifierSet(python.split()[1]) == SpecifierSet(PROJECT["requires-python"])


def test_makefile_checks_the_same_pythons() -> None:
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "Makefile").read_text()
    assert PROJECT["requires-python"] == ">=3.11,<3.14"


def test_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert PROJECT["version"] == __version__ == citation["version"]
    assert changes is not None
    assert changes[1] == __version__


def test_readme_names_what_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    for path in re.findall(r"`([\w./-]+/)`|\]\(([\w./-]+)\)", readme):
        name = path[0] or path[1]
        if "<" not in name and not name.startswith("_build"):
            assert (ROOT / name).exists(), name
    made = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)`|^make ([\w-]+)$", readme, re.M):
        assert re.search(rf"^{target[0] or target[1]}:", made, re.M)
