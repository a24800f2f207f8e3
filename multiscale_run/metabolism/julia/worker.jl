# Serves requests on the standard input until it is closed, so the worker ends when the process that started it ends.
#
# Greeting: MAGIC. Request: cells, max_steps (Int64), seconds, relative and absolute tolerance (Float64), state (species
# of the first cell, of the second, ...), inputs alike, next steps. Reply: MAGIC, state, next steps, steps, status.

function serve(input, output, species, given)
    precompile(
        advance_cells!,
        (Matrix{Float64}, Matrix{Float64}, Vector{Float64}, Vector{Int8}, Vector{Int64}, Float64, Limits),
    )
    write(output, MAGIC)
    flush(output)
    while !eof(input)
        cells, max_steps = read(input, Int64), read(input, Int64)
        seconds, relative, absolute = (read(input, Float64) for _ in 1:3)
        state, inputs = read!(input, zeros(species, cells)), read!(input, zeros(given, cells))
        next_step, status, steps = read!(input, zeros(cells)), fill(OK, cells), zeros(Int64, cells)
        advance_cells!(state, inputs, next_step, status, steps, seconds, Limits(relative, absolute, max_steps))
        reply = IOBuffer()
        write(reply, MAGIC, state, next_step, steps, status)
        write(output, take!(reply))
        flush(output)
    end
end
