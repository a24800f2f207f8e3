"""The parameters of a simulation: parameter.json as typed, checked values, linked keys computed.

``read_parameters`` reads a file, ours or the original's; ``Parameters.resolved`` has every key.
"""

from tvb_nest.parameters.links import Link, link_table
from tvb_nest.parameters.loading import FILE_NAME, Mode, Parameters, parameters_of, read_parameters
from tvb_nest.parameters.parameter_set import KeyInfo, ParameterSet, keys
from tvb_nest.parameters.tvb import of_state_variables
from tvb_nest.parameters.writing import editable, fingerprint, format_document, key_table, schema, write_parameters

__all__ = [
    "FILE_NAME",
    "KeyInfo",
    "Link",
    "Mode",
    "ParameterSet",
    "Parameters",
    "editable",
    "fingerprint",
    "format_document",
    "key_table",
    "keys",
    "link_table",
    "of_state_variables",
    "parameters_of",
    "read_parameters",
    "schema",
    "write_parameters",
]
