"""Roles: how ranks are dealt to them, and a job of one process."""

from __future__ import annotations

import numpy as np
import pytest

from mpi_coupling import Groups, Role, Signal, UserError, Window, connect
from mpi_coupling.groups import ROLE_VARIABLE, deal

PLAN = [Role("nest"), Role("tvb"), Role("transform", 0, None)]


@pytest.mark.parametrize(
    ("size", "roles"),
    [(2, ["nest", "tvb"]), (3, ["nest", "tvb", "transform"]), (5, ["nest", "tvb", *["transform"] * 3])],
)
def test_ranks_are_dealt_in_the_order_of_the_plan(size: int, roles: list[str]) -> None:
    assert deal(PLAN, size) == roles


def test_the_first_roles_get_what_is_left() -> None:
    assert deal([Role("a", 1, 3), Role("b", 1, None)], 6) == ["a", "a", "a", "b", "b", "b"]


@pytest.mark.parametrize(("size", "text"), [(1, "add 1"), (4, "leave out 2")])
def test_ranks_that_do_not_fit_the_plan(size: int, text: str) -> None:
    with pytest.raises(UserError, match=rf"cannot play the roles nest \(1 rank\), tvb \(1 rank\): {text}"):
        deal(PLAN[:2], size)


def test_a_single_process_plays_all_roles_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROLE_VARIABLE, raising=False)
    groups = Groups.join(PLAN, one_program=True)
    assert groups.role is None and groups.group.size == 1
    assert groups.plays("nest") and groups.plays("tvb") and not groups.plays("transform")
    with groups.guard():
        channel = connect(groups, Signal("rate", "Hz", (1,), 2), "nest", "tvb")
        with channel.sender, channel.receiver:
            channel.sender.send(Window(0, 2, np.ones((2, 1))))
            assert channel.receiver.receive().values.sum() == 2.0
    with pytest.raises(UserError, match="nobody plays transform; there are nest, tvb"):
        connect(groups, Signal("spikes", "Hz", (1,), 2), "nest", "transform")


def test_a_channel_left_open_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROLE_VARIABLE, raising=False)
    groups = Groups.join(PLAN, one_program=True)
    connect(groups, Signal("rate", "Hz", (1,), 2), "nest", "tvb")
    with pytest.raises(RuntimeError, match="ends before it closed the channel 'rate' from nest to tvb"):
        groups.finish()


@pytest.mark.parametrize(
    ("argument", "variable", "text"),
    [
        (None, None, r"rank 0 has no role; the role nest is played by nobody; the role tvb is played by nobody"),
        ("nest", None, "the role tvb is played by nobody"),
        ("nest", "tvb", "the role tvb is played by nobody"),  # the argument counts
        (None, "nset", r"rank 0 has the unknown role 'nset'; .*transform \(0 or more ranks\).*MPI_COUPLING_ROLE"),
    ],
)
def test_errors_name_all_that_is_wrong_and_the_remedy(
    argument: str | None, variable: str | None, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ROLE_VARIABLE, raising=False)
    if variable:
        monkeypatch.setenv(ROLE_VARIABLE, variable)
    with pytest.raises(UserError, match=text) as caught:
        Groups.join(PLAN, argument)
    assert "mpirun -n 1 env MPI_COUPLING_ROLE=nest PROGRAM : -n 1 env MPI_COUPLING_ROLE=tvb PROGRAM" in str(
        caught.value
    )


def test_role_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROLE_VARIABLE, "tvb")
    groups = Groups.join([Role("nest", 0), Role("tvb")], one_program=True)
    assert groups.role == "tvb" and groups.members == {"tvb": (0,)} and not groups.plays("nest")


def test_a_role_twice_in_the_plan() -> None:
    with pytest.raises(UserError, match="the plan names a role twice: a, a"):
        Groups.join([Role("a"), Role("a")], "a")
