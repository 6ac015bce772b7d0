// What a call is given. The fields are those of `_Work` in calls.py, in their order.
#pragma once
#include <cstdint>

struct Work {
    int64_t samples, threads, shared_from;
    const real *inputs, *wanted;      // (samples, INPUTS), (samples, OUTPUTS)
    real* outputs;                    // (samples, OUTPUTS)
    const real* const* starts;        // by variable that draws its start value: (batches, size)
    const double *betas, *slopes;     // (batches, NUDGED), (batches, 1 + NUDGED, LEARNED)
    const double* rates;              // (LEARNED,)
    const uint64_t *keys, *prune_keys;  // (batches, 1 + NUDGED), (batches,) where edges are pruned
    real* const* params;              // those that learn, and behind them those that do not
    real* const* velocities;          // by parameter that learns, where the optimiser has one
    const real* const* masks;         // by parameter that learns: 1 where there is a synapse, where any is left out
    real* const* particles;           // by variable that persists: (samples, size)
    const int32_t* const* edges;      // five arrays for each projection with sparse products, as Synapses takes them
    const char* seen;                 // (samples,): whether a sample starts from its particle; none does if null
    double momentum, decay, l1, threshold, inertia, below, temperature;
    double unit;                      // what a parameter of 1 is in `params`
};
