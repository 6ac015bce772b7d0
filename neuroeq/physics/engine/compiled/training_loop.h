// The training loop: all phases of each batch, then the update. The functions that it calls for a particular network are
// written above this file by source.py.
#pragma once

// One phase; in a plastic one the change is noted at every step, in a contrast at its end.
static void phase(int m, Ends ends, real beta, const real* wanted, bool nudged, const double* slopes, uint64_t key,
                  const Work& work) {
    begin_phase();
    if (nudged) pull_once(m, beta, wanted);
    for (int k = 0; k < ends.steps; ++k) {
        const bool looks = ends.tolerance >= 0 && ((k + 1) % CHECKED_EVERY == 0 || k + 1 == ends.steps);
        drive(m);
        if (nudged) pull_always(m, beta, wanted);
        if (IN_SITU && nudged) remember();
        if (looks) look();
        draw_noise(key);
        advance(IN_SITU && nudged);
        if (IN_SITU && nudged) note(m, slopes);
        tick();
        if (EVERY_STEP && nudged) {
            end_phase(m, slopes);
            update(m, work);
            forget();
            hold(m, work.params);
        }
        if (looks && residual(m) <= ends.tolerance) break;
    }
    observe(m, !nudged);
    if (!IN_SITU) note(m, slopes);
    if (nudged || !IN_SITU) end_phase(m, slopes);
}

// Learn from samples, batch after batch.
extern "C" void learn(const Work* given) {
    const Work& work = *given;
    Team shares(work.threads);
    team = work.threads > 1 ? &shares : nullptr;
    shared_from = work.shared_from;
    connect(work.edges);
    for (int first = 0; first < work.samples; first += BATCH) {
        const int m = std::min<int64_t>(BATCH, work.samples - first), batch = first / BATCH;
        const double* slope = work.slopes + batch * (1 + NUDGED) * LEARNED;
        const real* wanted = work.wanted + first * OUTPUTS;
        set_step(0);
        rest(work.starts, batch);
        empty_rings();
        if (work.seen) place(m, first, work);
        clamp(m, work.inputs + first * INPUTS);
        hold(m, work.params);
        forget();
        const uint64_t* keys = work.keys + batch * (1 + NUDGED);
        phase(m, FREE, 0, nullptr, false, slope, keys[0], work);
        read(m, work.outputs + first * OUTPUTS);
        const int64_t reached = time_step();
        save();
        save_rings();
        if (work.particles) keep(m, first, work);
        for (int k = 0; k < NUDGED; ++k) {
            slope += LEARNED;
            set_step(reached);
            if (k) {
                restore();
                restore_rings();
            }
            phase(m, NUDGED_PHASE, work.betas[batch * NUDGED + k], wanted, true, slope, keys[1 + k], work);
        }
        update(m, work);
        if (work.prune_keys) prune(work, work.prune_keys[batch]);
    }
    team = nullptr;
}
