// Stochastic pruning, as neuroeq/learning/pruning.py defines it.
#pragma once

// sums += sum over rows of exp(-|W|/temperature), over the edges that remain
template <int K, int N>
void add_factors(real* __restrict sums, const real* __restrict w, real temperature) {
    for (int k = 0; k < K; ++k) {
        for (int n = 0; n < N; ++n) {
            const real weight = w[k * N + n], factor = maths::decay(weight / temperature);
            sums[n] += weight != 0 ? factor : (real)0;
        }
    }
}

// Removes edges of (K, N); in a lateral projection, those of both directions at once.
template <int K, int N, bool PAIRS>
void remove_edges(real* w, const real* sums, uint64_t key, uint32_t number, real below, real temperature) {
    constexpr int FEW = N / 16, BLOCKS = (K * N + 3) / 4;  // up to FEW small weights in a row, numbers are drawn one by one
    alignas(64) static real small[N], drawn[K * N];
    bool all_drawn = false;
    const auto goes = [=](real weight, real sum, real u) {
        const bool likely = maths::decay(weight / temperature) > u * std::max(sum, std::numeric_limits<real>::min());
        return likely & (std::abs(weight) <= below);
    };
    for (int k = 0; k < K; ++k) {
        real* __restrict row = w + k * N;
        int count = 0;
        for (int n = 0; n < N; ++n) {
            small[n] = std::abs(row[n]) <= below ? row[n] : (real)0;
            count += small[n] != 0;
        }
        const int first = PAIRS ? k : 0;
        if (count > FEW) {
            if (!all_drawn) draw<K * N, false>(drawn, key, 0, number);
            all_drawn = true;
            for (int n = first; n < N; ++n) row[n] = goes(row[n], sums[n], drawn[k * N + n]) ? (real)0 : row[n];
        } else if (count) {
            where_not_zero<N>(small, [=](int n) {
                const int i = k * N + n;
                const real u = uniform(philox(i % BLOCKS, 0, number, key).word[i / BLOCKS]);
                if (n >= first && goes(row[n], sums[n], u)) row[n] = 0;
            });
        }
        for (int n = k + 1; PAIRS && n < N; ++n) w[n * N + k] = row[n] == 0 ? (real)0 : w[n * N + k];
    }
}
