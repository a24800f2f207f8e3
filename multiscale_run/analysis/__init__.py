"""Reading the results of a simulation."""

from multiscale_run.analysis.summary import ReportSummary, ResultsSummary, summarise

__all__ = ["ReportSummary", "ResultsSummary", "summarise"]
