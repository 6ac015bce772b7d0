// Stochastic pruning, as neuroeq/learning/pruning.py defines it.
#pragma once

// The small weights of each row of (K, N); their places as long as there are at most FEW of them.
template <int K, int N>
struct Small {
    static constexpr int FEW = N / 16;
    int counts[K], places[K][FEW + 1];
};

// sums += sum over rows of exp(-|W|/temperature), over the edges that remain; finds those up to `below`
template <int K, int N>
void add_factors(real* __restrict sums, Small<K, N>& found, const real* __restrict w, real below, real temperature) {
    alignas(64) static real small[N];
    const real inverse = 1 / temperature;
    for (int k = 0; k < K; ++k) {
        const real* __restrict row = w + k * N;
        int count = 0;
        for (int n = 0; n < N; ++n) {
            const real factor = maths::decay(row[n] * inverse);
            sums[n] += row[n] != 0 ? factor : (real)0;
            count += (std::abs(row[n]) <= below) & (row[n] != 0);
        }
        found.counts[k] = count;
        if (!count || count > found.FEW) continue;
        for (int n = 0; n < N; ++n) small[n] = std::abs(row[n]) <= below ? row[n] : (real)0;
        int* place = found.places[k];
        where_not_zero<N>(small, [&](int n) { *place++ = n; });
    }
}

// Removes edges of (K, N); in a lateral projection, those of both directions at once.
template <int K, int N, bool PAIRS>
void remove_edges(
    real* w, const real* sums, const Small<K, N>& found, uint64_t key, uint32_t number, real below, real temperature
) {
    constexpr int BLOCKS = (K * N + 3) / 4;
    alignas(64) static real drawn[K * N];
    const real inverse = 1 / temperature;
    bool all_drawn = false;  // numbers are drawn one by one for rows with few small weights
    const auto goes = [=](real weight, real sum, real u) {
        const bool likely = maths::decay(weight * inverse) > u * std::max(sum, std::numeric_limits<real>::min());
        return likely & (std::abs(weight) <= below);
    };
    for (int k = 0; k < K; ++k) {
        real* __restrict row = w + k * N;
        const int first = PAIRS ? k : 0, count = found.counts[k];
        if (count > found.FEW) {
            if (!all_drawn) draw<K * N, false>(drawn, key, 0, number);
            all_drawn = true;
            for (int n = first; n < N; ++n) row[n] = goes(row[n], sums[n], drawn[k * N + n]) ? (real)0 : row[n];
        }
        for (int at = 0; count <= found.FEW && at < count; ++at) {
            const int n = found.places[k][at], i = k * N + n;
            const real u = uniform(philox(i % BLOCKS, 0, number, key).word[i / BLOCKS]);
            if (n >= first && goes(row[n], sums[n], u)) row[n] = 0;
        }
        for (int n = k + 1; PAIRS && count && n < N; ++n) w[n * N + k] = row[n] == 0 ? (real)0 : w[n * N + k];
    }
}
