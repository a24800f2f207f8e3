"""SBML, the exchange format of systems biology: export of a network, and import of a user's own."""
