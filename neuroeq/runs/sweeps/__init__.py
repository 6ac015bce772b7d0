"""`sweep`: train a network in many cells, each with other values of what is varied, on one machine or a cluster."""

from .cells import Cell
from .cluster import Cluster, cluster_of
from .columns import NUMBERS
from .curves import evaluate_curves
from .grid import Drawn
from .plan import Plan, Planned, read_plan
from .summary import Mean, mean_of, shown_columns, summaries
from .sweeping import plan_sweep, run_plan, sweep
from .table import CSV, CURVES, Sweep, open_sweep, row_of
from .values import as_numbers
from .working import do_one

__all__ = [
    "CSV",
    "CURVES",
    "NUMBERS",
    "Cell",
    "Cluster",
    "Drawn",
    "Mean",
    "Plan",
    "Planned",
    "Sweep",
    "as_numbers",
    "cluster_of",
    "do_one",
    "evaluate_curves",
    "mean_of",
    "open_sweep",
    "plan_sweep",
    "read_plan",
    "row_of",
    "run_plan",
    "shown_columns",
    "summaries",
    "sweep",
]
