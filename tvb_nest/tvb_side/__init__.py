"""The whole brain: mean fields of all regions, in which spiking regions are proxies that replay their network's rate."""
