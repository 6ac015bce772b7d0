"""Training of circuits with one hidden layer, many batches at a time, in NumPy and in numba."""
