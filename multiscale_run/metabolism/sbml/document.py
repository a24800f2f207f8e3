"""Opens an SBML file with libSBML and refuses, in one message, all that a network cannot hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from mpi_coupling.world import UserError

from ..network import NetworkError

_SHOWN_ERRORS = 5
# a file says which packages change its mathematics; the operators of this one are judged one by one
_EXTENDED_MATH = "l3v2extendedmath"


def load_libsbml() -> ModuleType:
    """The libSBML module.

    Raises:
        UserError: it is not installed.
    """
    try:
        import libsbml
    except ImportError:
        raise UserError("reading SBML needs python-libsbml: pip install 'multiscale-run[sbml]'") from None
    return libsbml


def open_document(libsbml: ModuleType, path: Path) -> tuple[Any, list[str]]:
    """Read and check a file; function definitions and local parameters come out resolved, levels below 3 as level 3.

    Returns:
        The document, and what in it a network cannot hold.

    Raises:
        NetworkError: the file cannot be read or libSBML finds errors in it.
    """
    if not path.is_file():
        raise NetworkError(f"cannot read the SBML file {path}: there is no such file")
    document = libsbml.readSBMLFromFile(str(path))
    _refuse_errors(libsbml, document, path)
    for category in (
        libsbml.LIBSBML_CAT_UNITS_CONSISTENCY,
        libsbml.LIBSBML_CAT_MODELING_PRACTICE,
        libsbml.LIBSBML_CAT_SBO_CONSISTENCY,
    ):
        document.setConsistencyChecks(category, False)
    document.checkConsistency()
    _refuse_errors(libsbml, document, path)
    if document.getModel() is None:
        raise NetworkError(f"{path}: the file holds no model")
    foreign = [*_foreign_features(document)]
    if document.getLevel() < 3 and not document.setLevelAndVersion(3, 1, False):
        refuse(path, foreign or [f"SBML of level {document.getLevel()} that libSBML cannot convert to level 3"])
    for conversion in ("expandFunctionDefinitions", "promoteLocalParameters"):
        properties = libsbml.ConversionProperties()
        properties.addOption(conversion, True)
        if document.convert(properties) != libsbml.LIBSBML_OPERATION_SUCCESS:
            refuse(path, foreign or [f"the mathematics for which libSBML fails to do {conversion}"])
    return document, foreign


def refuse(path: Path, problems: Iterable[str]) -> None:
    """Raise one error that lists everything in a file that a network cannot hold, if there is anything."""
    listed = list(dict.fromkeys(problems))
    if listed:
        raise NetworkError(
            f"{path}: a network cannot hold {'; '.join(listed)} (it has rate laws, rate rules and assignments made of "
            "+ - * / powers exp log sqrt): replace them and import again"
        )


def _refuse_errors(libsbml: ModuleType, document: Any, path: Path) -> None:
    errors = [document.getError(i) for i in range(document.getNumErrors())]
    grave = [e for e in errors if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
    if grave:
        shown = "; ".join(f"line {e.getLine()}: {' '.join(e.getMessage().split())}" for e in grave[:_SHOWN_ERRORS])
        more = f"; and {len(grave) - _SHOWN_ERRORS} more" if len(grave) > _SHOWN_ERRORS else ""
        raise NetworkError(f"{path} is not valid SBML: {shown}{more}")


def _foreign_features(document: Any) -> Iterable[str]:
    """Features outside the mathematics of rates, by name or place."""
    model = document.getModel()
    # packages exist from level 3 on
    for i in range(document.getNumPlugins() if document.getLevel() > 2 else 0):
        package = document.getPlugin(i).getPackageName()
        if document.getPackageRequired(package) and package != _EXTENDED_MATH and not _unused(package, model):
            yield f"package {package!r}"
    for i, event in enumerate(model.getListOfEvents(), start=1):
        yield f"event {event.getId() or i!r}"
    for i, rule in enumerate(model.getListOfRules(), start=1):
        if rule.isAlgebraic():
            yield f"algebraic rule {i}"
    for reaction in model.getListOfReactions():
        if reaction.getFast():
            yield f"fast reaction {reaction.getId()!r}"
        if not reaction.isSetKineticLaw() or not reaction.getKineticLaw().isSetMath():
            yield f"reaction {reaction.getId()!r} without a kinetic law"


def _unused(package: str, model: Any) -> bool:
    """Whether a model only declares the package of submodels, as some programs always do."""
    return package == "comp" and model.getPlugin(package).getNumSubmodels() == 0
