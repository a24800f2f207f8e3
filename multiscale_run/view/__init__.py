"""A circuit and its results in three dimensions: a web page of one file, opened without a network.

``anatomy`` reads what is drawn, ``shapes`` turns it into lines and triangles, ``values`` are the colours over time, and
``page`` puts them into the file that ``multiscale-run view`` writes.
"""
