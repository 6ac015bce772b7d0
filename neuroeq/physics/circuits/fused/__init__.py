"""Training of circuits whose layers are a chain, many batches at a time, in NumPy and in numba."""
