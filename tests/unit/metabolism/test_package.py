"""What holds for the package as a whole."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from multiscale_run import metabolism
from multiscale_run.metabolism import load_network

FOLDER = Path(metabolism.__file__).parent
HEAVY = {"llvmlite", "numba", "scipy", "libsbml", "juliacall"}


def test_only_the_tables_name_species_rates_and_parameters():
    """One table row changed is one reaction changed: no code knows an id of the network."""
    network = load_network()
    ids = {item.id for items in (network.species, network.rates, network.assignments) for item in items}
    words = {word for file in FOLDER.rglob("*.py") for word in re.findall(r"\w+", strings_and_names(file))}
    assert not ids & words


def strings_and_names(file):
    """Text of the names and of the strings of a module, without its docstrings."""
    tree = ast.parse(file.read_text())
    documents = [node.body[0] for node in ast.walk(tree) if hasattr(node, "body") and starts_with_text(node.body)]
    ignored = {id(document.value) for document in documents}
    parts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            parts.append(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in ignored:
            parts.append(node.value)
    return " ".join(parts)


def starts_with_text(body):
    return isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


def test_the_package_is_small_pieces():
    for file in FOLDER.rglob("*.py"):
        assert len(file.read_text().splitlines()) <= 350, file
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 50, f"{file}: {node.name}"


def test_importing_it_loads_no_compiler_and_no_solver():
    code = f"import sys; import multiscale_run.metabolism; sys.exit(bool({HEAVY} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1], check=False).returncode == 0
