"""The whole brain: mean fields of all regions; spiking regions are proxies that replay their network's rate."""

import warnings

# tvb-library says so whenever it is imported; surfaces are not used here
warnings.filterwarnings("ignore", "Geodesic distance module is unavailable", UserWarning)
