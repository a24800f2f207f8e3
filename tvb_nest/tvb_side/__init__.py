"""The whole brain: mean fields of all regions; spiking regions are proxies that replay their network's rate."""
