"""Co-simulation of brain regions as spiking networks (NEST) in a whole brain of mean fields (The Virtual Brain)."""
