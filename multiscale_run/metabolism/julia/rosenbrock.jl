# Adaptive Rosenbrock integrator for one cell at a time, and the loop that serves requests over pipes.
# Needs Julia 1.5 or later and nothing outside Base. The file of the equations, which is generated from the network's
# tables, comes first and defines SIZE, GIVEN, PREPARED, ENTRIES, the tableau, the step control, the sparsity tables and
# prepare!, derivative!, linearise!. The method and the step control are those of rosenbrock.py and integrator.py.

const OK, STEP_TOO_SMALL, TOO_MANY_STEPS, SINGULAR = 0, 4, 5, 8
const HOPELESS = 1e10

struct Work
    prepared::Vector{Float64}
    argument::Vector{Float64}
    dydt::Vector{Float64}
    jacobian::Vector{Float64}
    factors::Vector{Float64}
    row::Vector{Float64}
    stages::Matrix{Float64}
end
Work() = Work(zeros(PREPARED), zeros(SIZE), zeros(SIZE), zeros(ENTRIES), zeros(length(COLUMNS)), zeros(SIZE),
              zeros(SIZE, STAGES))

# L and U of shift - jacobian, row by row in elimination order; the reciprocal of the pivot on the diagonal
function factorise!(work, shift)
    row, factors = work.row, work.factors
    @inbounds for i in 1:SIZE
        first, last = ROW_START[i], ROW_START[i + 1] - 1
        for p in first:last
            row[COLUMNS[p]] = 0.0
        end
        for p in ENTRY_START[i]:ENTRY_START[i + 1] - 1
            row[ENTRY_COLUMN[p]] = -work.jacobian[ENTRY_POSITION[p]]
        end
        row[i] += shift
        for p in first:DIAGONAL[i] - 1
            k = COLUMNS[p]
            multiplier = row[k] * factors[DIAGONAL[k]]
            row[k] = multiplier
            for q in DIAGONAL[k] + 1:ROW_START[k + 1] - 1
                row[COLUMNS[q]] -= multiplier * factors[q]
            end
        end
        for p in first:last
            factors[p] = row[COLUMNS[p]]
        end
        factors[DIAGONAL[i]] = 1.0 / row[i]
    end
end

function solve!(work, b)
    x, factors = work.row, work.factors
    @inbounds for i in 1:SIZE
        total = b[ORDER[i]]
        for p in ROW_START[i]:DIAGONAL[i] - 1
            total -= factors[p] * x[COLUMNS[p]]
        end
        x[i] = total
    end
    @inbounds for i in SIZE:-1:1
        total = x[i]
        for p in DIAGONAL[i] + 1:ROW_START[i + 1] - 1
            total -= factors[p] * x[COLUMNS[p]]
        end
        x[i] = total * factors[DIAGONAL[i]]
        b[ORDER[i]] = x[i]
    end
end

# does the first stage solve its linear system, componentwise? (Oettli and Prager 1964)
function solved(work, shift)
    x = work.stages
    @inbounds for i in 1:SIZE
        k = ORDER[i]
        product = shift * x[k, 1]
        rest, size = work.dydt[k] - product, abs(work.dydt[k]) + abs(product)
        for p in ENTRY_START[i]:ENTRY_START[i + 1] - 1
            product = work.jacobian[ENTRY_POSITION[p]] * x[ORDER[ENTRY_COLUMN[p]], 1]
            rest, size = rest + product, size + abs(product)
        end
        abs(rest) > BACKWARD_ERROR * size && return false
    end
    return true
end

# one step; the new state in `argument`; returns the scaled error and whether the linear systems were solved
function step!(work, y, h, rtol, atol)
    shift, n = 1.0 / (h * GAMMA), SIZE
    linearise!(work.dydt, work.jacobian, y, work.prepared)
    factorise!(work, shift)
    good = true
    for stage in 1:STAGES
        if stage > 1
            copyto!(work.argument, y)
            for j in 1:stage - 1, k in 1:n
                @inbounds work.argument[k] += A[stage][j] * work.stages[k, j]
            end
            derivative!(work.dydt, work.argument, work.prepared)
        end
        mine = view(work.stages, :, stage)
        copyto!(mine, work.dydt)
        for j in 1:stage - 1, k in 1:n
            @inbounds mine[k] += C[stage][j] / h * work.stages[k, j]
        end
        solve!(work, mine)
        good = stage == 1 ? solved(work, shift) : good
    end
    total = 0.0
    for k in 1:n
        last = work.stages[k, STAGES]
        work.argument[k] += last
        total += (last / (atol + rtol * max(abs(y[k]), abs(work.argument[k]))))^2
    end
    error = sqrt(total / n)
    return (good && error < HOPELESS) ? error : HOPELESS, good
end

# advance y in place over a window; returns status, steps and the step size that the next call should try
function advance!(work, y, given, seconds, rtol, atol, max_steps, proposal)
    prepare!(work.prepared, given)
    left, count, start = seconds, 0, 0.0
    rejected, old_step, old_error = false, 0.0, 0.0
    proposal = proposal > 0.0 ? proposal : FIRST_STEP
    while left > 0.0
        h = proposal * 1.01 >= left ? left : (proposal * 2.0 >= left ? left * 0.5 : proposal)
        error, good = step!(work, y, h, rtol, atol)
        count += 1
        accepted = error <= 1.0
        ratio = SAFETY / error^(1 / METHOD_ORDER)
        if accepted && old_error > 0.0
            ratio = min(ratio, SAFETY * (h / old_step) / (error^2 / old_error)^(1 / METHOD_ORDER))
        end
        ratio = clamp(ratio, SHRINK, GROW)
        following = h * (accepted ? (rejected ? min(ratio, 1.0) : ratio) : min(ratio, SAFETY))
        if accepted
            copyto!(y, work.argument)
            start = start > 0.0 ? start : following
            proposal = h < proposal ? max(following, proposal) : following
            left -= h
            old_step, old_error = h, max(error, 0.01)
        else
            proposal = following
            following < seconds * SMALLEST && return (good ? STEP_TOO_SMALL : SINGULAR), count, 0.0
        end
        rejected = !accepted
        left > 0.0 && count >= max_steps && return TOO_MANY_STEPS, count, 0.0
    end
    return OK, count, start
end

function serve(input, output)
    work, numbers = Work(), zeros(Int64, 2)
    while !eof(input)
        read!(input, numbers)
        cells, max_steps = numbers
        limits, proposal = read!(input, zeros(3)), read!(input, zeros(cells))
        state, given = read!(input, zeros(SIZE, cells)), read!(input, zeros(GIVEN, cells))
        outcome = zeros(Int64, 2, cells)
        for i in 1:cells
            y = view(state, :, i)
            outcome[1, i], outcome[2, i], proposal[i] =
                advance!(work, y, view(given, :, i), limits..., max_steps, proposal[i])
        end
        write(output, outcome, proposal, state)
        flush(output)
    end
end

serve(stdin, stdout)
