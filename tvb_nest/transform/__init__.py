"""Between rates of a mean field (kHz) and spikes of neurons."""
