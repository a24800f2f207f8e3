"""The mean field of adaptive exponential neurons after Zerlaut et al. (2018) and di Volo et al. (2019), compiled."""
