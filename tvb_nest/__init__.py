"""tvb-nest: co-simulation of a whole brain (The Virtual Brain) with spiking regions (NEST)."""
