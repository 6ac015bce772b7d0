"""Runs a NIR file in norse, in double precision, with a Python of its own: GRAPH.nir INPUTS.npy STEPS SPIKES.npz."""

import sys

import nir
import numpy as np
import torch
from torch.utils import _pytree as pytree

if not hasattr(pytree, "register_pytree_node"):  # torch before 2.0, as in Debian 12
    pytree.register_pytree_node = pytree._register_pytree_node
from norse.torch.functional import threshold
from norse.torch.functional.heaviside import heaviside
from norse.torch.utils import import_nir

threshold.superspike_fn = lambda x, _: heaviside(x)  # its surrogate gradient needs torch 2.0; the spikes are the same
import_nir._to_tensor = lambda value: torch.as_tensor(np.asarray(value), dtype=torch.float64)

graph_file, inputs_file, steps, spikes_file = sys.argv[1:]
graph = nir.read(graph_file)
module = import_nir.from_nir(graph, dt=float(graph.metadata["dt"]))
inputs, state, sent = torch.from_numpy(np.load(inputs_file)), None, []
with torch.no_grad():
    for _ in range(int(steps)):
        _, state = module(inputs, state)
        sent.append({name: value.numpy() for name, value in state.cache.items()})
np.savez(spikes_file, **{name: np.stack([step[name] for step in sent]) for name in sent[0]})
