"""SBML, the exchange format of systems biology: export of a network, and import of a user's own.

Example:
    >>> export_sbml(load_network("aged"), "aged.xml").message
    >>> imported = import_sbml("mine.xml")
    >>> write_tables(imported.network, "my_network")
    >>> load_network(folder="my_network")

Reading order. On the way out: `export`, `model_writer`, `mathml`, `units`, `annotation`, `notes`. On the way in:
`importer`, `document` (what is refused), `model_reader` with `formulas` (SBML to plain `contents`), `assembly` with
`starts` and `linear`.
`tables_writer` writes any network as tables.
"""

from .export import Exported, export_sbml
from .importer import Imported, import_sbml
from .tables_writer import write_tables

__all__ = ["Exported", "Imported", "export_sbml", "import_sbml", "write_tables"]
