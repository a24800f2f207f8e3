"""The Spack recipes, as far as they can be checked without Spack; spack/verify does the rest where there is one."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "scripts")]

import spack_externals  # noqa: E402
import spack_recipes  # noqa: E402
import spack_specs  # noqa: E402
import spack_stub  # noqa: E402

SPACK = ROOT / "spack"
REPOSITORY = SPACK / "spack_repo" / "multiscale_suite"
FILES = {file.parent.name.replace("_", "-"): file for file in REPOSITORY.glob("packages/*/package.py")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SHA256 = re.compile(r"[0-9a-f]{64}")
CONSTRAINTS = dict(re.findall(r"^(\S+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))


@pytest.fixture(scope="module")
def recipes() -> dict[str, spack_stub.Recipe]:
    return {name: spack_stub.load(file) for name, file in FILES.items()}


def package_of(spec: str) -> str:
    return re.split(r"[@+~ ]", spec)[0]


def test_the_repository_is_of_the_new_layout():
    about = yaml.safe_load((REPOSITORY / "repo.yaml").read_text())
    assert about == {"repo": {"namespace": "multiscale_suite", "api": "v2.0"}}
    assert REPOSITORY.name == about["repo"]["namespace"] and REPOSITORY.parent.name == "spack_repo"
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", file.parent.name) for file in FILES.values())


def test_the_suites_recipe_requires_what_pip_requires(recipes):
    found = recipes["py-multiscale-run"].dependencies()
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        low = next(iter(wanted.specifier)).version
        spec = next(spec for spec in found if package_of(spec) == f"py-{wanted.name.lower()}")
        assert f"@{low}:" in spec
        assert found[spec].options["type"] == ("build", "run") and "when" not in found[spec].options


@pytest.mark.parametrize(
    ("extra", "when"),
    [
        ("neurons", None),
        ("slurm", None),
        ("steps", "+steps"),
        ("bloodflow", "+bloodflow"),
        ("tvb-nest", "+tvb_nest"),
        ("julia", "+julia"),
    ],
)
def test_extras_are_variants(recipes, extra, when):
    recipe = recipes["py-multiscale-run"]
    names = {"nest-simulator": "nest", "neuron": "neuron", "steps": "steps"}
    for text in PROJECT["optional-dependencies"][extra]:
        name = Requirement(text).name.lower()
        spack_name = names.get(name, f"py-{name}")
        options = [one.options for spec, one in recipe.dependencies().items() if package_of(spec) == spack_name]
        assert options and options[0].get("when") == when, spack_name
    variants = {directive.arguments[0]: directive.options["default"] for directive in recipe.of("variant")}
    assert variants == {"steps": True, "bloodflow": True, "julia": False, "tvb_nest": False}


def test_tvb_nest_stands_on_the_suite(recipes):
    bundle = recipes["py-tvb-nest"]
    assert bundle.cls.__bases__[0].__name__ == "BundlePackage"
    assert list(bundle.dependencies()) == ["py-multiscale-run@main+tvb_nest"]
    assert [one.arguments for one in bundle.of("version")] == [
        one.arguments for one in recipes["py-multiscale-run"].of("version")
    ]


def test_the_suite_is_built_from_the_repository_of_the_recipe(recipes):
    assert recipes["py-multiscale-run"].cls.git == ROOT.as_uri()


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"py-multiscale-run", "py-tvb-nest"}))
def test_packages_of_pypi(recipes, name):
    recipe = recipes[name]
    (version,) = recipe.of("version")
    assert SHA256.fullmatch(version.options["sha256"])
    assert recipe.cls.pypi.endswith(f"-{version.arguments[0]}.tar.gz")
    assert recipe.of("license") and recipe.cls.homepage.startswith("http")
    try:
        installed = importlib.metadata.distribution(name.removeprefix("py-"))
    except importlib.metadata.PackageNotFoundError:
        return  # Julia's, which scripts/setup does not install
    assert installed.version == version.arguments[0] or name not in {f"py-{pin.lower()}" for pin in CONSTRAINTS}
    required = [Requirement(text) for text in installed.requires or [] if "extra" not in text]
    found = {package_of(spec) for spec in recipe.dependencies()}
    assert {f"py-{one.name.lower().replace('_', '-')}" for one in required} <= found


def test_every_dependency_is_a_package_that_somebody_looked_up(recipes):
    builtin = {line for line in (SPACK / "builtin.txt").read_text().splitlines() if not line.startswith("#")}
    used = {package_of(spec) for recipe in recipes.values() for spec in recipe.dependencies()}
    assert not used - builtin - FILES.keys(), "look it up in Spack's builtin repository, add it to spack/builtin.txt"
    assert not builtin - used, "no recipe uses it any more: take it out of spack/builtin.txt"


def test_own_recipes_satisfy_those_who_depend_on_them(recipes):
    for name, recipe in recipes.items():
        for spec in recipe.dependencies():
            low = re.search(r"@([\d.]+):", spec)
            if package_of(spec) in FILES and low:
                (version,) = recipes[package_of(spec)].of("version")
                assert spack_recipes.Version(version.arguments[0]) >= spack_recipes.Version(low[1]), (name, spec)


@pytest.mark.parametrize("name", ["py-multiscale-run", "py-tvb-nest"])
def test_smoke_tests(recipes, name):
    tests = {key: value for key, value in vars(recipes[name].cls).items() if key.startswith("test_")}
    assert tests and all(test.__doc__ for test in tests.values())


@pytest.mark.parametrize(
    ("python", "spack"),
    [
        ("click>=8.1", "py-click@8.1:"),
        ("neurodamus>=4.2,<5", "py-neurodamus@4.2:4"),
        ("tomlkit<0.16,>=0.13.3", "py-tomlkit@0.13.3:0.15"),
        ("a<2.0", "py-a@:1"),
        ("a<=2.1", "py-a@:2.1"),
        ("a==1.5.*", "py-a@1.5"),
        ("a~=1.4.2", "py-a@1.4.2:1.4"),
        ("a!=3", "py-a"),
        ("Typing_Extensions", "py-typing-extensions"),
        ("python-dateutil>=2", "py-dateutil@2:"),
        ("nest-simulator>=3.10", "nest@3.10:+python"),
    ],
)
def test_requirements_in_spacks_words(python, spack):
    assert spack_specs.dependency(python, spack_recipes.NAMES) == (spack, "")


def test_requirements_for_some_pythons():
    names = spack_recipes.NAMES
    assert spack_specs.dependency('tomli; python_version < "3.11"', names) is None
    assert spack_specs.dependency('vtk>=8; extra == "viz"', names) is None
    assert spack_specs.dependency('pywin32; sys_platform == "win32"', names) is None
    assert spack_specs.dependency('a; python_version < "3.13"', names) == ("py-a", "^python@3.11,3.12")
    with pytest.raises(ValueError, match="no counterpart"):
        spack_specs.version_range("===1.0")
    with pytest.raises(ValueError, match="nothing is older"):
        spack_specs.before("0.0")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the recipes are made from and the scripts, to be changed."""
    for name in ("scripts", "spack"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def update(checkout: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(checkout / "scripts/spack_recipes.py"), *options]
    return subprocess.run(
        command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_the_recipes_are_in_step():
    command = [ROOT / "scripts/update-spack-recipes", "--check"]
    environment = os.environ | {"MULTISCALE_RUN_VENV": sys.prefix}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_a_changed_requirement_is_noticed_and_written(checkout):
    replace(checkout / "pyproject.toml", '"numpy>=1.26"', '"numpy>=2.1"')
    done = update(checkout, "--check")
    assert done.returncode == 1
    assert "py_multiscale_run/package.py is not what pyproject.toml" in done.stdout and "remedy" in done.stdout
    assert update(checkout, "--offline").returncode == 0
    assert update(checkout, "--check").returncode == 0
    recipe = spack_stub.load(checkout / "spack/spack_repo/multiscale_suite/packages/py_multiscale_run/package.py")
    assert "py-numpy@2.1:" in recipe.dependencies()


def test_a_newer_constraint_is_noticed(checkout):
    replace(checkout / "constraints.txt", "neurodamus==4.2.9", "neurodamus==4.3.0")
    done = update(checkout, "--check")
    assert done.returncode == 1 and "neurodamus: constraints.txt has 4.3.0, its recipe 4.2.9" in done.stdout


def test_a_recipe_that_is_too_old_is_noticed(checkout):
    replace(checkout / "pyproject.toml", '"simpleeval>=1.0"', '"simpleeval>=9"')
    update(checkout, "--offline")
    done = update(checkout, "--check")
    assert done.returncode == 1 and "simpleeval: pyproject.toml wants >=9" in done.stdout


def test_a_release_must_be_in_the_recipes(checkout):
    replace(checkout / "pyproject.toml", f'version = "{PROJECT["version"]}"', 'version = "7.0.0"')
    update(checkout, "--offline")
    done = update(checkout, "--check")
    assert done.returncode == 1 and "use --release v7.0.0" in done.stdout
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(checkout)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    missing = update(checkout, "--release", "v7.0.0")
    assert missing.returncode == 1 and "no such tag" in missing.stdout
    subprocess.run([*git, "tag", "v7.0.0"], check=True)
    assert update(checkout, "--release", "v7.0.0").returncode == 0
    assert update(checkout, "--check").returncode == 0
    packages = checkout / "spack/spack_repo/multiscale_suite/packages"
    versions = {
        one.arguments[0]: one.options
        for one in spack_stub.load(packages / "py_multiscale_run/package.py").of("version")
    }
    assert versions["7.0.0"]["tag"] == "v7.0.0" and re.fullmatch(r"[0-9a-f]{40}", versions["7.0.0"]["commit"])
    assert "py-multiscale-run@7.0.0+tvb_nest" in spack_stub.load(packages / "py_tvb_nest/package.py").dependencies()


@pytest.mark.parametrize("name", ["release", "dev"])
def test_environments(recipes, name):
    environment = yaml.safe_load((SPACK / f"environments/{name}/spack.yaml").read_text())["spack"]
    variants = {one.arguments[0] for one in recipes["py-multiscale-run"].of("variant")}
    for spec in environment["specs"]:
        if package_of(spec) in FILES:
            assert set(re.findall(r"[+~](\w+)", spec)) <= variants
        else:
            assert package_of(spec) in {"py-pytest", "py-pytest-mpi"}
    for package, develop in environment.get("develop", {}).items():
        assert package in FILES
        place = SPACK / "environments" / name / develop["path"]
        assert (place / "pyproject.toml").is_file()
    assert environment["modules"]["default"]["enable"] == ["tcl", "lmod"]


def test_externals_are_what_is_installed(recipes):
    command = [sys.executable, str(ROOT / "scripts/spack_externals.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    packages = yaml.safe_load(done.stdout)["packages"]
    numpy = packages["py-numpy"]["externals"][0]
    assert numpy["spec"] == f"py-numpy@{importlib.metadata.version('numpy')}" and numpy["prefix"] == sys.prefix
    assert packages["neuron"]["externals"][0]["spec"].endswith("+mpi+python")
    assert packages["python"]["externals"][0]["prefix"] == sys.base_prefix
    assert "py-multiscale-run" not in packages
    assert all(one["buildable"] is False for one in packages.values())
    assert "openmpi" in packages and "gcc" in packages
    assert packages.keys() <= spack_externals.recipe_dependencies() | FILES.keys() | spack_externals.TOOLS | {
        "python",
        "gcc",
        "openmpi",
        "mpi",
    }


def verify(**environment: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPACK_")}
    more = {"MULTISCALE_RUN_VENV": sys.prefix} | environment
    return subprocess.run(
        [SPACK / "verify"], env=kept | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )


@pytest.mark.parametrize("root", [{}, {"SPACK_ROOT": "/nowhere"}])
def test_verify_says_that_there_is_no_spack(root):
    done = verify(**root)
    assert done.returncode == 2
    assert "set SPACK_ROOT" in done.stdout and "Nothing was verified" in done.stdout


SAYS_WHAT_IT_DOES = """#!/bin/sh
echo "$@" >>"$SPACK_CALLS"
case "$*" in
    *"$SPACK_FAILS_AT"*) echo "this went wrong"; exit 3 ;;
    *"$SPACK_WRITES_AT"*)
        place=$(sed -n 's/.*tcl: \\([^,]*\\),.*/\\1/p' "$SPACK_USER_CONFIG_PATH/modules.yaml")/py-multiscale-run
        mkdir -p "$place" && echo "prepend-path PATH x" >"$place/main" ;;
esac
"""


@pytest.fixture
def recorder(tmp_path: Path) -> dict[str, str]:
    """A program in Spack's place that records how it is called and fails where it is told to."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/spack"
    program.write_text(SAYS_WHAT_IT_DOES)
    program.chmod(0o755)
    return {
        "SPACK_ROOT": str(tmp_path),
        "SPACK_CALLS": str(tmp_path / "calls"),
        "SPACK_FAILS_AT": "never",
        "SPACK_WRITES_AT": "never",
    }


@pytest.mark.parametrize(
    ("fails_at", "step"),
    [
        ("repo add", "spack repo add"),
        ("audit packages py-astrovascpy", "spack audit packages"),
        ("concretize", "spack concretize"),
        ("test run", "spack test run"),
    ],
)
def test_verify_names_the_step_that_fails(recorder, fails_at, step):
    done = verify(**recorder | {"SPACK_FAILS_AT": fails_at})
    assert done.returncode == 1
    assert f"FAILED: {step}" in done.stdout and "this went wrong" in done.stdout and "PASS" not in done.stdout


def test_verify_does_not_pass_without_a_modulefile(recorder):
    done = verify(**recorder)
    assert done.returncode == 1 and "FAILED: the modulefile" in done.stdout


def test_verify_goes_through_all_steps_and_does_not_take_another_program(recorder):
    done = verify(**recorder | {"SPACK_WRITES_AT": "module tcl refresh"})
    assert done.returncode == 1 and "FAILED: spack load" in done.stdout and "no multiscale-run of" in done.stdout
    calls = Path(recorder["SPACK_CALLS"]).read_text()
    assert f"repo add {REPOSITORY}" in calls
    assert all(f"audit packages {name}\n" in calls for name in FILES)
    order = [
        "repo add",
        "audit",
        "concretize",
        "install",
        "test run py-multiscale-run",
        "module tcl refresh",
        "load --sh",
    ]
    places = [calls.index(word) for word in order]
    assert places == sorted(places)


@pytest.mark.skipif(
    "SPACK_ROOT" not in os.environ, reason="SPACK_ROOT names no Spack: the recipes were checked without one"
)
def test_a_real_spack_installs_the_suite():
    done = verify(**{name: value for name, value in os.environ.items() if name.startswith("SPACK_")})
    assert done.returncode == 0, done.stdout


def test_facts_are_complete():
    known = json.loads((SPACK / "pypi.json").read_text())
    assert known["packages"].keys() == spack_recipes.TABLE["packages"].keys()
