"""`sweep`: train a network in many cells, each with other values of what is varied, on one machine or a cluster."""
