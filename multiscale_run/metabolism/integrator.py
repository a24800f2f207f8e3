"""The adaptive Rosenbrock integrator, emitted as one function that advances a range of cells.

Each lane carries one cell with its own time, step size and error. A lane that has finished its cell takes the next one
at once, so lanes never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llvmlite import ir

from . import kernels, linear_kernels
from .kernels import Plan
from .rosenbrock import StepControl, Tableau
from .status import Status
from .vector_ir import BYTE, DOUBLE, INTEGER, POINTER, Array, Mask, Vector, define
from .vector_math import exponential, logarithm

# stands for an error estimate that is not finite
_HOPELESS = 1e10
_LANE_VALUES = ("left", "proposal", "rejected", "old_step", "old_error", "count", "verdict", "start", "shift", "excess")


@dataclass(frozen=True)
class Memory:
    """Layout of the working memory of one thread, in vectors of all lanes."""

    offsets: dict[str, int]
    vectors: int

    @classmethod
    def of(cls, plan: Plan, tableau: Tableau) -> Memory:
        """Working memory for a plan and a method."""
        sizes = dict.fromkeys(_LANE_VALUES, 1) | {"cell": 1}
        sizes |= {"given": len(plan.given), "prepared": len(plan.prepared), "y": plan.size, "argument": plan.size}
        sizes |= {"stages": plan.size * tableau.stages, "dydt": plan.size}
        sizes |= {"jacobian": len(plan.equations.jacobian.nodes), "factors": plan.elimination.entries}
        offsets, total = {}, 0
        for name, size in sizes.items():
            offsets[name] = total
            total += size
        return cls(offsets, total)


class Integrator:
    """Emits ``advance(state, inputs, status, steps, next_step, first, last, seconds, rtol, atol, max_steps, memory)``.

    `state` and `inputs` are row-major per cell, `status` int8, `steps` int64, `next_step` double; cells first to
    last - 1 whose status is OK are integrated, the others are left alone.
    """

    def __init__(self, module: ir.Module, plan: Plan, tableau: Tableau, control: StepControl, lanes: int) -> None:
        self.plan, self.tableau, self.control, self.lanes = plan, tableau, control, lanes
        factors = linear_kernels.Factors(plan)
        self._prepare = kernels.emit_prepare(module, plan, lanes)
        self._derivative = kernels.emit_derivative(module, plan, lanes)
        self._linearise = kernels.emit_linearise(module, plan, lanes)
        self._factorise = linear_kernels.emit_factorise(module, plan, factors, lanes)
        self._solve = linear_kernels.emit_solve(module, plan, factors, lanes)
        self._residual = linear_kernels.emit_residual(module, plan, lanes, control.backward_error)
        types = [POINTER] * 5 + [INTEGER] * 2 + [DOUBLE] * 3 + [INTEGER, POINTER]
        self.code, arguments = define(module, "advance", lanes, types, internal=False)
        self._name_arguments(arguments)
        self._emit()

    def _name_arguments(self, arguments: list[ir.Value]) -> None:
        code = self.code
        state, inputs, status, steps, next_step, first, last, seconds, rtol, atol, max_steps, memory = arguments
        self.state, self.inputs = Array(code, state, DOUBLE), Array(code, inputs, DOUBLE)
        self.status, self.steps = Array(code, status, BYTE), Array(code, steps, INTEGER)
        self.next_step = Array(code, next_step, DOUBLE)
        self.first, self.last, self.max_steps = first, last, max_steps
        self.seconds = seconds
        self.rtol, self.atol = code.broadcast(rtol), code.broadcast(atol)
        whole = Array(code, memory)
        self.memory = {name: whole.part(offset) for name, offset in Memory.of(self.plan, self.tableau).offsets.items()}
        self.cell = Array(code, self.memory["cell"].pointer, INTEGER)
        with code.builder.goto_entry_block():
            self.next_cell = Array(code, code.builder.alloca(INTEGER), INTEGER)
            self.busy = Array(code, code.builder.alloca(INTEGER), INTEGER)
            self.fresh = Array(code, code.builder.alloca(INTEGER), INTEGER)

    def _emit(self) -> None:
        code, builder = self.code, self.code.builder
        self.next_cell[0] = self.first
        self.memory["left"][0] = code.vector(0.0)
        with code.loop(self.lanes) as lane:
            self.cell[lane] = code.integer(-1)
        with code.repeat_while() as loop:
            self.busy[0] = code.integer(0)
            with code.loop(self.lanes) as lane:
                self._serve(lane)
            working = builder.icmp_signed(">", self.busy[0], code.integer(0))
            with builder.if_then(working, likely=True):
                self._step()
            loop.stop_unless(working)
        builder.ret_void()

    def _serve(self, lane: ir.Value) -> None:
        """Put a finished cell of a lane back and give the lane the next one."""
        code, builder = self.code, self.code.builder
        done = builder.fcmp_ordered("<=", self._lane("left")[lane], ir.Constant(DOUBLE, 0.0))
        with builder.if_then(done):
            with builder.if_then(builder.icmp_signed(">=", self.cell[lane], code.integer(0))):
                self._put_back(lane)
            self._find_next()
            found = builder.icmp_signed("<", self.next_cell[0], self.last)
            with builder.if_else(found) as (take, idle):
                with take:
                    self._take(lane)
                with idle:
                    self.cell[lane] = code.integer(-1)
        occupied = builder.icmp_signed(">=", self.cell[lane], code.integer(0))
        self.busy[0] = builder.add(self.busy[0], builder.zext(occupied, INTEGER))

    def _find_next(self) -> None:
        """Move `next_cell` on to a cell whose status is OK, or to the end of the range."""
        code, builder = self.code, self.code.builder
        head, body, after = (builder.append_basic_block(name) for name in ("find", "look", "found"))
        builder.branch(head)
        builder.position_at_end(head)
        builder.cbranch(builder.icmp_signed("<", self.next_cell[0], self.last), body, after)
        builder.position_at_end(body)
        skip = builder.icmp_signed("!=", self.status[self.next_cell[0]], ir.Constant(BYTE, Status.OK))
        with builder.if_then(skip):
            self.next_cell[0] = builder.add(self.next_cell[0], code.integer(1))
            builder.branch(head)
        builder.branch(after)
        builder.position_at_end(after)

    def _take(self, lane: ir.Value) -> None:
        """Load the next cell into a lane."""
        code, builder, network = self.code, self.code.builder, self.plan.equations.network
        cell = self.next_cell[0]
        self.next_cell[0] = builder.add(cell, code.integer(1))
        self.cell[lane] = cell
        self.fresh[0] = code.integer(1)
        row = builder.mul(cell, code.integer(len(network.species)))
        with self._dynamic_slots() as (position, slot):
            self._lane("y")[self._at(position, lane)] = self.state[builder.add(row, slot)]
        inputs_row = builder.mul(cell, code.integer(len(network.inputs)))
        place = {node: i for i, node in enumerate(self.plan.equations.symbols)}
        for position, node in enumerate(self.plan.given):
            slot = place[node] - len(network.species)
            if slot < 0:
                value = self.state[builder.add(row, code.integer(place[node]))]
            else:
                value = self.inputs[builder.add(inputs_row, code.integer(slot))]
            self._lane("given")[self._at(position, lane)] = value
        for name in ("rejected", "old_error", "count", "verdict", "start"):
            self._lane(name)[lane] = ir.Constant(DOUBLE, 0.0)
        known = builder.fcmp_ordered(">", self.next_step[cell], ir.Constant(DOUBLE, 0.0))
        first = ir.Constant(DOUBLE, self.control.first_step)
        self._lane("proposal")[lane] = builder.select(known, self.next_step[cell], first)
        self._lane("left")[lane] = self.seconds

    def _put_back(self, lane: ir.Value) -> None:
        """Store the result of a lane; the state only when all went well."""
        code, builder = self.code, self.code.builder
        cell, verdict = self.cell[lane], self._lane("verdict")[lane]
        self.steps[cell] = builder.fptosi(self._lane("count")[lane], INTEGER)
        good = builder.fcmp_ordered("==", verdict, ir.Constant(DOUBLE, float(Status.OK)))
        with builder.if_else(good) as (keep, fail):
            with keep:
                row = builder.mul(cell, code.integer(len(self.plan.equations.network.species)))
                with self._dynamic_slots() as (position, slot):
                    self.state[builder.add(row, slot)] = self._lane("y")[self._at(position, lane)]
                self.next_step[cell] = self._lane("start")[lane]
            with fail:
                self.status[cell] = builder.fptosi(verdict, BYTE)

    def _step(self) -> None:
        """Try one step in every lane."""
        code, memory, tableau = self.code, self.memory, self.tableau
        left, proposal = memory["left"][0], memory["proposal"][0]
        # end exactly, and without a tiny last step
        step = (proposal * 1.01 >= left).where(left, (proposal * 2.0 >= left).where(left * 0.5, proposal))
        # a lane without a cell computes with any step, and nobody looks at it
        step = (left > 0.0).where(step, 1.0)
        inverse = 1.0 / step
        memory["shift"][0] = inverse * (1.0 / tableau.gamma)
        pointers = {name: array.pointer for name, array in memory.items()}
        call = code.builder.call
        with code.builder.if_then(code.builder.icmp_signed(">", self.fresh[0], code.integer(0))):
            call(self._prepare, [pointers["given"], pointers["prepared"]])
            self.fresh[0] = code.integer(0)
        call(self._linearise, [pointers[n] for n in ("y", "prepared", "dydt", "jacobian")])
        call(self._factorise, [pointers[n] for n in ("jacobian", "shift", "factors")])
        for stage in range(tableau.stages):
            self._stage(stage, inverse)
        error = self._error()
        error = (memory["excess"][0] > 0.0).where(_HOPELESS, error)
        self._judge(step, error)

    def _stage(self, stage: int, inverse: Vector) -> None:
        """Solve for one stage vector."""
        code, memory = self.code, self.memory
        mine = self._stage_vector(stage)
        self._combine(stage, inverse)
        if stage:
            arguments = [memory[n].pointer for n in ("argument", "prepared", "dydt")]
            code.builder.call(self._derivative, arguments)
        code.builder.call(self._solve, [memory["factors"].pointer, memory["dydt"].pointer, mine.pointer])
        if stage == 0:
            arguments = [memory[n].pointer for n in ("jacobian", "shift")]
            arguments += [mine.pointer, memory["dydt"].pointer, memory["excess"].pointer]
            code.builder.call(self._residual, arguments)

    def _combine(self, stage: int, inverse: Vector) -> None:
        """Both sums over the earlier stages in one pass: where f is evaluated, and what is added to f."""
        code, memory, tableau = self.code, self.memory, self.tableau
        mine, earlier = self._stage_vector(stage), range(stage)
        a, c = (tableau.a[stage - 1], tableau.c[stage - 1]) if stage else ((), ())
        # the last stages continue the argument of the one before
        before = tableau.a[stage - 2] if stage > 1 else None
        start, skip = ("argument", stage - 1) if a[:-1] == before else ("y", 0)
        scaled = [coefficient * inverse for coefficient in c]
        with code.loop(self.plan.size) as k:
            vectors = [self._stage_vector(j)[k] for j in earlier]
            argument, total = memory[start][k], code.vector(0.0)
            for j in earlier:
                if j >= skip:
                    argument = argument + a[j] * vectors[j]
                total = total + scaled[j] * vectors[j]
            memory["argument"][k] = argument
            mine[k] = total

    def _error(self) -> Vector:
        """Root mean square of error / tolerance; leaves the new state in `argument`."""
        code, memory = self.code, self.memory
        total = code.zero_variable()
        last = self._stage_vector(self.tableau.stages - 1)
        with code.loop(self.plan.size) as k:
            new = memory["argument"][k] + last[k]
            memory["argument"][k] = new
            size = memory["y"][k].absolute().maximum(new.absolute())
            ratio = last[k] / (self.atol + self.rtol * size)
            total[0] = total[0] + ratio * ratio
        error = (total[0] * (1.0 / self.plan.size)).sqrt()
        return (error < _HOPELESS).where(error, _HOPELESS)

    def _judge(self, step: Vector, error: Vector) -> None:
        """Accept or reject, choose the next step, notice lanes that cannot go on."""
        code, memory = self.code, self.memory
        left, proposal = memory["left"][0], memory["proposal"][0]
        accepted = error <= 1.0
        with code.loop(self.plan.size) as k:
            memory["y"][k] = accepted.where(memory["argument"][k], memory["y"][k])
        ratio = self._ratio(step, error, accepted)
        rejected_before = memory["rejected"][0] > 0.0
        # no growth right after a rejection
        ratio = (rejected_before & accepted).where(ratio.minimum(1.0), ratio)
        following = step * ratio
        # the next call probably starts with a change like that of this one, so it tries what worked then
        start = memory["start"][0]
        memory["start"][0] = (accepted & (start <= 0.0)).where(following, start)
        cut_short = accepted & (step < proposal)
        memory["proposal"][0] = cut_short.where(following.maximum(proposal), following)
        memory["rejected"][0] = accepted.where(0.0, 1.0)
        memory["old_step"][0] = accepted.where(step, memory["old_step"][0])
        memory["old_error"][0] = accepted.where(error.maximum(0.01), memory["old_error"][0])
        left = accepted.where(left - step, left)
        self._give_up(left, following, accepted)

    def _ratio(self, step: Vector, error: Vector, accepted: Mask) -> Vector:
        """Next step over this one: from this error, and after an accepted step also from the trend of the errors."""
        memory, control = self.memory, self.control
        plain = control.safety / self._root(error)
        old_error = memory["old_error"][0]
        trend = control.safety * (step / memory["old_step"][0]) / self._root(error * error / old_error)
        predicted = (accepted & (old_error > 0.0)).where(plain.minimum(trend), plain)
        ratio = predicted.maximum(control.shrink).minimum(control.grow)
        return accepted.where(ratio, ratio.minimum(control.safety))

    def _root(self, error: Vector) -> Vector:
        """error ** (1 / order): the step size goes with the root of the embedded method's local error."""
        return exponential(self.code, logarithm(self.code, error) * (1.0 / self.tableau.order))

    def _give_up(self, left: Vector, following: Vector, accepted: Mask) -> None:
        code, memory = self.code, self.memory
        memory["count"][0] = memory["count"][0] + 1.0
        limit = code.broadcast(code.builder.sitofp(self.max_steps, DOUBLE))
        smallest = code.broadcast(self.seconds) * self.control.smallest
        singular = (memory["excess"][0] > 0.0).where(float(Status.SINGULAR), float(Status.STEP_TOO_SMALL))
        verdict = (~accepted & (following < smallest)).where(singular, 0.0)
        tired = (memory["count"][0] >= limit) & (left > 0.0) & (verdict <= 0.0)
        verdict = tired.where(float(Status.TOO_MANY_STEPS), verdict)
        memory["verdict"][0] = verdict
        memory["left"][0] = (verdict > 0.0).where(0.0, left)

    def _stage_vector(self, stage: int) -> Array:
        return self.memory["stages"].part(stage * self.plan.size)

    @contextmanager
    def _dynamic_slots(self) -> Iterator[tuple[ir.Value, ir.Value]]:
        """Loop over (position in y, slot in the state row)."""
        slots = self.plan.equations.network.dynamic_slots.tolist()
        module = self.code.module
        if "dynamic_slots" not in module.globals:
            kind = ir.ArrayType(INTEGER, len(slots))
            table = ir.GlobalVariable(module, kind, "dynamic_slots")
            table.initializer, table.linkage, table.global_constant = ir.Constant(kind, slots), "internal", True
        table = Array(self.code, module.globals["dynamic_slots"], INTEGER)
        with self.code.loop(len(slots)) as position:
            yield position, table[position]

    def _lane(self, name: str) -> Array:
        """Working memory as single doubles."""
        return self.memory[name].lanes()

    def _at(self, position: int | ir.Value, lane: ir.Value) -> ir.Value:
        """Index of one lane's value in a vector of working memory."""
        start = self.code.builder.mul(self.code.integer(position), self.code.integer(self.lanes))
        return self.code.builder.add(start, lane)
