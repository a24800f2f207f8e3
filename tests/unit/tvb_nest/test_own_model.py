"""Files with steps of the user's own: what is accepted, and what the user reads when it is not."""

import pytest

from mpi_coupling.failure import UserError
from tvb_nest.nest_side.own_model import HOOKS, load_own_model, signature


@pytest.fixture
def model(tmp_path):
    """Makes an own model from its text."""

    def make(text, name="mine.py"):
        file = tmp_path / name
        file.write_text(text)
        return load_own_model(file)

    return make


def test_only_the_steps_that_are_defined(model):
    own = model("def kernel(settings):\n    return settings | {'resolution': 0.05}\n")
    assert "kernel" in own
    assert not any(name in own for name in HOOKS if name != "kernel")
    assert own.call("kernel", {"resolution": 0.1, "rng_seed": 3}) == {"resolution": 0.05, "rng_seed": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def kernel(:\n", r"mine\.py, line 1: "),
        ("x = 1\n\n1 / 0\n", r"mine\.py, line 3: ZeroDivisionError: division by zero"),
        ("import no_such_package\n", r"line 1: ModuleNotFoundError: No module named 'no_such_package'"),
        ("def kernels(settings): ...\n", r"at least one of the functions kernel\(settings\), populations\(nest, "),
        ("kernel = 3\n", r"kernel must be a function, kernel\(settings\)"),
        ("def devices(nest): ...\n", r"devices must take these arguments: devices\(nest, parameters, populations\)"),
    ],
)
def test_wrong_files(model, text, message):
    with pytest.raises(UserError, match=message):
        model(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def kernel(settings):\n    return settings['threads']\n", r"line 2: kernel\(\) failed: KeyError: 'threads'"),
        ("def kernel(settings):\n    settings['x'] = 1\n", r"must return a dictionary of kernel settings .* not None"),
        ("def populations(nest, parameters, region):\n    return {}\n", r"a dictionary of at least one population"),
    ],
)
def test_wrong_steps(model, text, message):
    own = model(text)
    (name,) = (name for name in HOOKS if name in own)
    with pytest.raises(UserError, match=message):
        own.call(name, *({} for _ in HOOKS[name]))


def test_no_file_and_no_python(tmp_path, model):
    with pytest.raises(UserError, match="there is no such file"):
        load_own_model(tmp_path / "none.py")
    with pytest.raises(UserError, match="not a Python file"):
        model("", "mine.txt")


def test_a_model_without_recorders(model):
    assert model("def devices(nest, parameters, populations):\n    return {}\n").call("devices", 1, 2, 3) == {}


def test_the_documentation_shows_all_steps():
    import tvb_nest.nest_side.own_model as module

    for name in HOOKS:
        assert f"``{signature(name)}``" in module.__doc__
