"""Mesh files of gmsh: MSH 2.2 and 4.1 ASCII are read, 2.2 is written. gmsh itself is not needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mpi_coupling.atomic import write_in_one_step
from mpi_coupling.world import UserError
from multiscale_run.geometry.mesh import TetMesh, mesh_from_tags, signed_volumes

METRE_UM = 1e6
_TETRAHEDRON = 4
_SECOND_ORDER = 11
_MARK, _MARK_LINES = "made by multiscale-run from ", 6
_REMEDY = "write it again with `gmsh FILE -3 -format msh22 -bin 0`"


def read_mesh(path: Path, scale: float = 1e-6) -> TetMesh:
    """Read the tetrahedra of a gmsh file; its points, lines and triangles are left out.

    A mesh whose tetrahedra are all left-handed is turned round, as handedness is only a convention there.

    Args:
        path: MSH 2.2 or 4.1 ASCII file.
        scale: length unit of the file in m (``mesh_scale``).

    Raises:
        UserError: the file cannot be read, has another format or is damaged, or its tetrahedra cannot be used.
    """
    try:
        sections = _sections(Path(path).read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError as error:
        raise UserError(f"mesh_path {path}: {error.strerror}; give a gmsh file or let the mesh be generated") from error
    version = _version(path, sections.get("MeshFormat", []))
    try:
        read_nodes, read_elements = (_nodes_2, _elements_2) if version == "2.2" else (_nodes_4, _elements_4)
        tags, coordinates = read_nodes(iter(sections["Nodes"]))
        corners, kinds = read_elements(iter(sections["Elements"]))
    except KeyError as error:
        raise UserError(f"mesh_path {path}: has no complete section ${error.args[0]}; {_REMEDY}") from error
    except (ValueError, IndexError, StopIteration) as error:
        raise UserError(f"mesh_path {path}: is damaged ({str(error) or 'ends too early'}); {_REMEDY}") from error
    if not len(corners):
        order = " (it has some of second order; add `-order 1`)" if _SECOND_ORDER in kinds else ""
        raise UserError(f"mesh_path {path}: has no tetrahedra of four nodes{order}; {_REMEDY}")
    return mesh_from_tags(tags, coordinates * (scale * METRE_UM), _right_handed(tags, coordinates, corners), str(path))


def generated_from(path: Path) -> str | None:
    """What :func:`write_msh22` was told that a mesh is made from; None for a mesh from elsewhere."""
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        head = [line.strip() for line in itertools.islice(file, _MARK_LINES)]
    return next((line.removeprefix(_MARK) for line in head if line.startswith(_MARK)), None)


def write_msh22(
    mesh: TetMesh, path: Path, scale: float = 1e-6, volume_name: str = "extra", origin: str | None = None
) -> None:
    """Write a mesh as MSH 2.2 ASCII, the one format that STEPS reads; coordinates keep every digit.

    Args:
        mesh: the mesh.
        path: file, put in place in one step; its folder is made.
        scale: length unit of the file in m.
        volume_name: name of the physical volume that holds all tetrahedra.
        origin: a word that tells what the mesh is made from, to be found by :func:`generated_from`.

    Raises:
        UserError: the file cannot be written.
    """
    lines = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat"]
    lines += [] if origin is None else ["$Comments", f"{_MARK}{origin}", "$EndComments"]
    lines += ["$PhysicalNames", "1", f'3 1 "{volume_name}"']
    lines += ["$EndPhysicalNames", "$Nodes", str(len(mesh.vertices))]
    in_file = mesh.vertices / (scale * METRE_UM)
    lines += [f"{tag} {x!r} {y!r} {z!r}" for tag, (x, y, z) in enumerate(in_file.tolist(), 1)]
    lines += ["$EndNodes", "$Elements", str(mesh.n_tetrahedra)]
    corners = (mesh.tetrahedra + 1).tolist()
    lines += [f"{tag} {_TETRAHEDRON} 2 1 1 {a} {b} {c} {d}" for tag, (a, b, c, d) in enumerate(corners, 1)]
    lines += ["$EndElements", ""]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_in_one_step(path, "\n".join(lines))
    except OSError as error:
        raise UserError(f"mesh_path {path}: cannot be written ({error.strerror}); choose another place") from error


def _sections(lines: list[str]) -> dict[str, list[str]]:
    """Lines between $Name and $EndName, by name; an unfinished section is left out."""
    sections = {}
    marks = [(number, line.strip()) for number, line in enumerate(lines) if line.startswith("$")]
    for (start, name), (end, closing) in itertools.pairwise(marks):
        if closing == f"$End{name[1:]}":
            sections[name[1:]] = lines[start + 1 : end]
    return sections


def _version(path: Path, lines: list[str]) -> str:
    words = lines[0].split() if lines else []
    version, binary = words[:2] if len(words) >= 2 else ("", "0")
    if version not in ("2.2", "4.1") or binary != "0":
        found = f"MSH {version} {'ASCII' if binary == '0' else 'binary'}" if version else "no gmsh file"
        raise UserError(f"mesh_path {path}: is {found}; MSH 2.2 and 4.1 ASCII can be read: {_REMEDY}")
    return version


def _nodes_2(lines: Iterator[str]) -> tuple[np.ndarray, np.ndarray]:
    count = int(next(lines))
    table = np.array([next(lines).split()[:4] for _ in range(count)], dtype=float).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1:]


def _elements_2(lines: Iterator[str]) -> tuple[np.ndarray, set[int]]:
    corners, kinds = [], set()
    for _ in range(int(next(lines))):
        words = next(lines).split()
        kinds.add(int(words[1]))
        if int(words[1]) == _TETRAHEDRON:
            corners.append(words[3 + int(words[2]) :])
    return np.array(corners, dtype=np.int64).reshape(-1, 4), kinds


def _nodes_4(lines: Iterator[str]) -> tuple[np.ndarray, np.ndarray]:
    tags: list[str] = []
    coordinates: list[list[str]] = []
    for _ in range(int(next(lines).split()[0])):
        count = int(next(lines).split()[3])
        tags += [next(lines) for _ in range(count)]
        coordinates += [next(lines).split()[:3] for _ in range(count)]
    return np.array(tags, dtype=np.int64), np.array(coordinates, dtype=float).reshape(-1, 3)


def _elements_4(lines: Iterator[str]) -> tuple[np.ndarray, set[int]]:
    corners, kinds = [], set()
    for _ in range(int(next(lines).split()[0])):
        _, _, kind, count = map(int, next(lines).split())
        kinds.add(kind)
        rows = [next(lines).split() for _ in range(count)]
        if kind == _TETRAHEDRON:
            corners += [row[1:] for row in rows]
    return np.array(corners, dtype=np.int64).reshape(-1, 4), kinds


def _right_handed(tags: np.ndarray, coordinates: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The same tetrahedra; two vertices of each exchanged when all of them are left-handed."""
    order = np.argsort(tags)
    place = order[np.searchsorted(tags, corners, sorter=order).clip(max=len(tags) - 1)]
    is_left_handed = (signed_volumes(coordinates[place]) < 0).all()
    return corners[:, [1, 0, 2, 3]] if is_left_handed else corners
