"""tvb-nest: a whole brain of mean fields (TVB) with regions of spiking neurons (NEST)."""
