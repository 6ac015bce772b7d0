// A phase of one batch, whose states are the arrays of a running simulation.
#pragma once

// The fields are those of `_Phase` in phases.py, in their order.
struct Phase {
    int64_t samples, steps, every;
    double tolerance, beta;           // a negative tolerance for none
    const real *inputs, *wanted;      // (samples, INPUTS), null where they are those of the last phase; (samples, OUTPUTS)
    real* const* params;
    const int32_t* const* edges;      // as in work.h
    const double* slopes;             // (LEARNED,), null where synapses do not change
    uint64_t key;
    real* const* changes;             // by parameter that learns, of its shape: what its change is added to
    double residual;                  // set
    int64_t spikes;                   // set
};

// Runs a phase, and returns the number of steps that it took.
extern "C" int64_t relax(Phase* given) {
    Phase& p = *given;
    const int m = p.samples;
    const bool learns = p.slopes, nudged = p.wanted;
    if (p.inputs) {
        connect(p.edges);
        clamp(m, p.inputs);
        hold(m, p.params);
    }
    if (learns) forget();
    int64_t k = 0;
    while (k < p.steps) {
        const bool looks = (k + 1) % p.every == 0 || k + 1 == p.steps;
        drive(m);
        if (nudged) pull_always(m, p.beta, p.wanted);
        if (learns) remember();
        if (looks) look();
        draw_noise(p.key);
        advance(learns);
        if (learns) note(m, p.slopes);
        tick();
        p.spikes += count_spikes();
        ++k;
        if (!looks) continue;
        p.residual = residual(m);
        if (!(p.residual > p.tolerance)) break;  // also where it is not a number
    }
    if (learns) {
        end_phase(m, p.slopes);
        gather(m, p.changes);
    }
    return k;
}
