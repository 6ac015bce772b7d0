"""A figure: the squares of the learning curve."""

from matplotlib.figure import Figure

from neuroeq.registry import FIGURES


@FIGURES.register("squares")
def squares(run):
    figure = Figure()
    figure.subplots().plot([row["train_error"] ** 2 for row in run.metrics])
    return figure
