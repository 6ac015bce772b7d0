// The training loop: all phases of each batch, then the update. The functions that it calls for a particular network are
// written above this file by source.py.
#pragma once

// One phase; in a plastic one the change is noted at every step, in a contrast at its end.
static void phase(int m, int steps, real beta, const real* wanted, bool nudged, const double* slopes) {
    begin_phase();
    for (int k = 0; k < steps; ++k) {
        drive(m);
        if (nudged) nudge(m, beta, wanted);
        if (IN_SITU && nudged) remember();
        advance(IN_SITU && nudged);
        if (IN_SITU && nudged) note(m, slopes);
        tick();
    }
    if (!IN_SITU) note(m, slopes);
    if (nudged || !IN_SITU) end_phase(m, slopes);
}

// Learn from samples, batch after batch. x: (samples, INPUTS); y, outputs: (samples, OUTPUTS); starts: by variable,
// (batches, size); betas: (batches, NUDGED); slopes: (batches, 1 + NUDGED, LEARNED); rates and params: (LEARNED,), and
// the parameters that do not learn behind them.
extern "C" void learn(int samples, const real* x, const real* y, real* outputs, const real* const* starts,
                      const double* betas, const double* slopes, const double* rates, real* const* params) {
    for (int first = 0; first < samples; first += BATCH) {
        const int m = std::min(BATCH, samples - first), batch = first / BATCH;
        const double* slope = slopes + batch * (1 + NUDGED) * LEARNED;
        const real* wanted = y + first * OUTPUTS;
        rewind(0);
        rest(starts, batch);
        clamp(m, x + first * INPUTS, params);
        forget();
        phase(m, FREE_STEPS, 0, nullptr, false, slope);
        read(m, outputs + first * OUTPUTS);
        save();
        for (int k = 0; k < NUDGED; ++k) {
            slope += LEARNED;
            rewind(FREE_STEPS);
            if (k) restore();
            phase(m, NUDGED_STEPS, betas[batch * NUDGED + k], wanted, true, slope);
        }
        update(m, rates, params);
    }
}
