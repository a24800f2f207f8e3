"""A cell whose pumps are too few for the potassium that its channels lose at rest."""

from bench import h, neuron, write

cell = neuron("RegularSpiking")
write(cell, "nakpump.density", 0.01)
h.stdinit()
