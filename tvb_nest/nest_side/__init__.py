"""The spiking regions: NEST, its populations and devices, and the exchange of rates and spikes with it."""
