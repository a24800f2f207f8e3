# Adaptive Rosenbrock integration of independent cells: the algorithm of the native engine, one cell at a time.
#
# code.py puts the constants and straight-line functions of a network in front of this file: SIZE, DYNAMIC_SLOTS, the
# tableau (STAGES, ORDER, GAMMA, A, C), the step control, the status codes, prepare!, linearise!, derivative!,
# factorise! and solve!. Needs Julia 1.5 and nothing outside its standard library.

# stands for an error estimate that is not finite
const HOPELESS = 1e10
# pieces per thread, so that a thread with easy cells takes over work from the others
const PIECES = 4

"Accuracy of a call: relative and absolute tolerance, and the largest number of steps of a cell."
struct Limits
    relative::Float64
    absolute::Float64
    max_steps::Int
end

"Memory for one cell."
struct Workspace
    prepared::Vector{Float64}
    y::Vector{Float64}
    argument::Vector{Float64}
    slope::Vector{Float64}
    first_slope::Vector{Float64}
    rest::Vector{Float64}
    magnitude::Vector{Float64}
    jacobian::Vector{Float64}
    factors::Vector{Float64}
    stages::Matrix{Float64}
end

function Workspace()
    vectors = (zeros(n) for n in (PREPARED, SIZE, SIZE, SIZE, SIZE, SIZE, SIZE, length(JACOBIAN_ROWS), FACTORS))
    return Workspace(vectors..., zeros(SIZE, STAGES))
end

"""
Advance every cell whose status is OK by `seconds`, in place.

`state` is (species, cells), `inputs` (inputs, cells); `next_step` (seconds, 0 when unknown), `status` and `steps` have
one entry per cell. A cell that fails keeps its state.
"""
function advance_cells!(state, inputs, next_step, status, steps, seconds::Float64, limits::Limits)
    cells = findall(==(OK), status)
    pieces = collect(Iterators.partition(cells, max(1, cld(length(cells), PIECES * Threads.nthreads()))))
    advance(piece) = advance_piece!(piece, state, inputs, next_step, status, steps, seconds, limits)
    if Threads.nthreads() == 1
        foreach(advance, pieces)
    else
        foreach(wait, [Threads.@spawn advance(piece) for piece in pieces])
    end
    return nothing
end

function advance_piece!(cells, state, inputs, next_step, status, steps, seconds, limits)
    w = Workspace()
    for cell in cells
        prepare!(w.prepared, view(state, :, cell), view(inputs, :, cell))
        w.y .= view(state, DYNAMIC_SLOTS, cell)
        verdict, count, start = integrate!(w, seconds, next_step[cell], limits)
        status[cell], steps[cell] = verdict, count
        if verdict == OK
            state[DYNAMIC_SLOTS, cell] .= w.y
            next_step[cell] = start
        end
    end
    return nothing
end

"Advance the cell in `w.y`; returns its status, its number of steps and the first step to try in the next call."
function integrate!(w::Workspace, seconds::Float64, known_step::Float64, limits::Limits)
    left, proposal = seconds, known_step > 0 ? known_step : FIRST_STEP
    start = old_step = old_error = 0.0
    count, rejected = 0, false
    while left > 0
        step = length_of_step(proposal, left)
        # after a rejection the state is the same, and so is its linearisation
        rejected || linearise!(w.first_slope, w.jacobian, w.y, w.prepared)
        error, solved = attempt!(w, step, limits)
        accepted = error <= 1
        following = step * step_ratio(step, error, accepted, rejected, old_step, old_error)
        count += 1
        if accepted
            w.y .= w.argument
            # the next call probably starts with a change like that of this one, so it tries what worked then
            start = start > 0 ? start : following
            proposal = step < proposal ? max(following, proposal) : following
            old_step, old_error = step, max(error, 0.01)
            left -= step
        else
            proposal = following
            following < seconds * SMALLEST && return solved ? STEP_TOO_SMALL : SINGULAR, count, 0.0
        end
        rejected = !accepted
        left > 0 && count >= limits.max_steps && return TOO_MANY_STEPS, count, 0.0
    end
    return OK, count, start
end

"The proposed step, or one that ends exactly with the window, and without a tiny last step."
function length_of_step(proposal, left)
    1.01 * proposal >= left && return left
    return 2 * proposal >= left ? 0.5 * left : proposal
end

"Next step over this one: from this error, and after an accepted step also from the trend of the errors."
function step_ratio(step, error, accepted, rejected_before, old_step, old_error)
    root(x) = x^(1 / ORDER)
    ratio = SAFETY / root(error)
    if accepted && old_error > 0
        ratio = min(ratio, SAFETY * (step / old_step) / root(error * error / old_error))
    end
    ratio = clamp(ratio, SHRINK, GROW)
    accepted || return min(ratio, SAFETY)
    # no growth right after a rejection
    return rejected_before ? min(ratio, 1.0) : ratio
end

"""
Try one step from `w.y`; leaves the new state in `w.argument`.

Returns the error over the tolerance, and whether the linear systems could be solved without pivoting.
"""
function attempt!(w::Workspace, step::Float64, limits::Limits)
    shift = 1 / (step * GAMMA)
    factorise!(w.factors, w.jacobian, shift)
    for stage in 1:STAGES
        stage == 1 ? copyto!(w.slope, w.first_slope) : evaluate_stage!(w, stage)
        right_side!(w, stage, step)
        solve!(view(w.stages, :, stage), w.factors)
        stage == 1 && badly_solved(w, shift) && return HOPELESS, false
    end
    return error_norm!(w, limits), true
end

"Slope at the argument of a stage: y + sum of A[stage, j] u_j."
function evaluate_stage!(w::Workspace, stage)
    copyto!(w.argument, w.y)
    for earlier in 1:stage-1
        add_scaled!(w.argument, A[stage, earlier], w.stages, earlier)
    end
    derivative!(w.slope, w.argument, w.prepared)
    return nothing
end

"Right side of a stage's linear system: slope + sum of C[stage, j] / step u_j."
function right_side!(w::Workspace, stage, step)
    for earlier in 1:stage-1
        add_scaled!(w.slope, C[stage, earlier] / step, w.stages, earlier)
    end
    @inbounds for k in 1:SIZE
        w.stages[k, stage] = w.slope[k]
    end
    return nothing
end

function add_scaled!(total, factor, stages, column)
    @inbounds @simd for k in 1:SIZE
        total[k] += factor * stages[k, column]
    end
    return nothing
end

"Is the componentwise backward error of the first stage above the bound?"
function badly_solved(w::Workspace, shift)
    @inbounds for k in 1:SIZE
        product = shift * w.stages[k, 1]
        w.rest[k], w.magnitude[k] = w.first_slope[k] - product, abs(w.first_slope[k]) + abs(product)
    end
    @inbounds for (k, (row, column)) in enumerate(zip(JACOBIAN_ROWS, JACOBIAN_COLUMNS))
        product = w.jacobian[k] * w.stages[column, 1]
        w.rest[row] += product
        w.magnitude[row] += abs(product)
    end
    return any(k -> abs(w.rest[k]) > BACKWARD_ERROR * w.magnitude[k], 1:SIZE)
end

"Root mean square of error / tolerance; adds the last stage to `w.argument`."
function error_norm!(w::Workspace, limits::Limits)
    total = 0.0
    @inbounds for k in 1:SIZE
        last = w.stages[k, STAGES]
        w.argument[k] += last
        ratio = last / (limits.absolute + limits.relative * max(abs(w.y[k]), abs(w.argument[k])))
        total += ratio * ratio
    end
    error = sqrt(total / SIZE)
    return error < HOPELESS ? error : HOPELESS
end

"Advance cells whose arrays lie at the given addresses: the entry for a caller in the same process."
function advance_at!(species, given, cells, addresses, seconds, relative, absolute, max_steps)
    wrap(kind, address, size...) = unsafe_wrap(Array, Ptr{kind}(UInt(address)), size)
    state, inputs, next_step, status, steps = addresses
    advance_cells!(
        wrap(Float64, state, species, cells), wrap(Float64, inputs, given, cells), wrap(Float64, next_step, cells),
        wrap(Int8, status, cells), wrap(Int64, steps, cells), Float64(seconds), Limits(relative, absolute, max_steps),
    )
    return nothing
end
