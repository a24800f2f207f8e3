"""The text of a BlueConfig: blocks, comments, quotes, and what is said about a wrong line."""

import pytest

from mpi_coupling.settings.problems import ConfigError
from multiscale_run.blueconfig import read_blueconfig


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "BlueConfig"
        file.write_text(text)
        return [(b.kind, b.name, b.line, [(s.key, s.value, s.line) for s in b.settings]) for b in blocks(file)]

    def blocks(file):
        return read_blueconfig(file).blocks

    return read


def test_blocks_in_the_order_of_the_file(read):
    text = "# a remark\n\nRun Default\n{\n  Duration 10\n\tDt\t0.1\n}\nReport soma {\n Type compartment\n }\n"
    assert read(text) == [
        ("Run", "Default", 3, [("Duration", "10", 5), ("Dt", "0.1", 6)]),
        ("Report", "soma", 8, [("Type", "compartment", 9)]),
    ]


def test_a_block_in_a_line(read):
    assert read("Report soma { Type compartment }\nA b {}\nA c\n{ d e\nf g }") == [
        ("Report", "soma", 1, [("Type", "compartment", 1)]),
        ("A", "b", 2, []),
        ("A", "c", 3, [("d", "e", 4), ("f", "g", 5)]),
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("%s.Use = 0.86", "%s.Use = 0.86"),
        ("%s.Use = 0.86   # weaker", "%s.Use = 0.86"),
        ('"%s.Fac = 0 # %s.Dep = 0"', "%s.Fac = 0 # %s.Dep = 0"),
        ("'two  words'  # quoted", "two  words"),
        ('"one" and "two"', '"one" and "two"'),
        ("the cell's own # apostrophe", "the cell's own"),
        ("run#3", "run#3"),
        ("", ""),
    ],
)
def test_values(read, written, value):
    assert read(f"Connection a\n{{\n  Key {written}\n}}\n") == [("Connection", "a", 1, [("Key", value, 3)])]


def test_names_and_keys_may_come_twice(read):
    blocks = read("Report a\n{\n K 1\n K 2\n}\nReport a\n{\n K 3\n}\n")
    assert [block[3] for block in blocks] == [[("K", "1", 3), ("K", "2", 4)], [("K", "3", 8)]]


@pytest.mark.parametrize(
    "commented",
    [
        "#Report a\n{\n  Type lfp\n  #Dt 1\n}\n",
        "#Report a\n# which is not needed any more\n{\n  Type lfp\n}\n",
        "# Report a\n\n{\n  Type lfp }\n",
        "#Report a {\n  Type lfp\n}\n",
        "#Report a\n#{\n#  Type lfp\n#}\n",
        "#Report a {\n#  Type lfp\n#}\n",
        "#Report a {\n  Type lfp\n# }\n",
        "# what follows { is not read\n",
    ],
)
def test_a_commented_head_comments_out_its_block(read, commented):
    rest = "Report b\n{\n Type synapse\n}\n"
    assert [(kind, name, keys[0][:2]) for kind, name, _, keys in read(commented + rest)] == [
        ("Report", "b", ("Type", "synapse"))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Run Default\n{\n Dt 1\n", "line 1: the block Run Default has no '}'"),
        ("Run Default\n", "line 1: the block Run Default has no '{'"),
        ("Run Default\n Dt 1\n", "line 2: expected '{' after Run Default, found 'Dt 1'"),
        ("\n{\n Dt 1\n}\n", "line 2: a '{' without a head; write `Type Name` before it"),
        ("Run\n{\n}\n", "line 1: expected the head of a block, `Type Name`, and found 'Run'"),
        ("Run a\n{\n}\n}\n", "line 4: expected the head of a block, `Type Name`, and found '}'"),
        ("Run a\n{\n Dt 1\nReport b\n{\n", "line 5: a brace within the block Run a, which begins in line 1"),
        ('{\n  "run": {}\n}', "line 1: a '{' without a head"),
    ],
)
def test_a_wrong_line_is_named(read, text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert f"BlueConfig: {message}" in str(caught.value)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "BlueConfig").write_bytes(b"\x89HDF\r\n\xff")
    with pytest.raises(ConfigError, match="BlueConfig: cannot be read"):
        read_blueconfig(tmp_path / "BlueConfig")
