"""Reading, deriving and drawing the results of a simulation.

    from multiscale_run.analysis import Results, figures
    results = Results("my-simulation")
    figures.raster({results.name: (results.spikes(), results.neurons())}).savefig("raster.pdf")

``Results`` gives arrays with names, units and coordinates; ``derived`` what follows from them; ``figures`` draws them;
``sections`` are the parts of the report that ``multiscale-run post-processing`` writes.
"""

from multiscale_run.analysis.errors import NoData
from multiscale_run.analysis.results import Results, RunState
from multiscale_run.analysis.summary import ReportSummary, ResultsSummary, summarise

__all__ = ["NoData", "ReportSummary", "Results", "ResultsSummary", "RunState", "summarise"]
