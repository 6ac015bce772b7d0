// Products over the synapses of a projection that connects few pairs of units, for all samples at a time.
#pragma once
#include <vector>

constexpr int WIDTH = BATCH < LANES ? BATCH : (BATCH + LANES - 1) / LANES * LANES;  // of a row of samples

// What K units of m samples hold, by unit: (K, WIDTH), with 0 for the samples that are not there.
template <int K, int WHICH>
const real* by_unit(int m, const real* values) {
    alignas(64) static real turned[K * WIDTH];
    for (int s = 0; s < WIDTH; ++s)
        for (int k = 0; k < K; ++k) turned[k * WIDTH + s] = s < m ? values[s * K + k] : (real)0;
    return turned;
}

// The synapses of (K, N), in the order of their first units, and what places they have in the order of their second ones.
template <int K, int N>
struct Synapses {
    const int32_t *starts, *posts, *back_starts, *pres, *places;  // (K + 1,), (count,), (N + 1,), (count,), (count,)
    std::vector<real> straight, back;                             // weights in both orders

    void connect(const int32_t* const* given) {
        starts = given[0], posts = given[1], back_starts = given[2], pres = given[3], places = given[4];
        straight.resize(count()), back.resize(count());
    }
    int count() const { return starts[K]; }

    void hold(const real* w) {
        for (int k = 0; k < K; ++k)
            for (int e = starts[k]; e < starts[k + 1]; ++e) straight[e] = w[k * N + posts[e]];
        for (int e = 0; e < count(); ++e) back[e] = straight[places[e]];
    }

    // out = base + a W, or a W^T, for what the other units hold
    void forward(int m, real* out, const real* base, const real* a) const {
        drive<N>(m, out, base, a, back_starts, pres, back.data());
    }
    void backward(int m, real* out, const real* base, const real* a) const {
        drive<K>(m, out, base, a, starts, posts, straight.data());
    }

    // change += c sum over samples of pre post
    void outer(real* change, real c, const real* pre, const real* post) const {
        for (int k = 0; k < K; ++k) {
            for (int e = starts[k]; e < starts[k + 1]; ++e) {
                const real *left = pre + k * WIDTH, *right = post + posts[e] * WIDTH;
                real sum = 0;
                for (int s = 0; s < WIDTH; ++s) sum += left[s] * right[s];
                change[e] += c * sum;
            }
        }
    }

    // to += change, for `to` of (K, N)
    void spread(real* to, const real* change) const {
        for (int k = 0; k < K; ++k)
            for (int e = starts[k]; e < starts[k + 1]; ++e) to[k * N + posts[e]] += change[e];
    }

   private:
    template <int TO>
    static void drive(int m, real* out, const real* base, const real* a, const int32_t* starts, const int32_t* from,
                      const real* weights) {
        alignas(64) static const real zeros[STRIP] = {};
        alignas(64) real sums[WIDTH];
        for (int n = 0; n < TO; ++n) {
            strips<WIDTH>([&](auto width, int first) {
                typedef Strip<decltype(width)::value> Columns;
                Columns total(zeros);
                for (int e = starts[n]; e < starts[n + 1]; ++e)
                    total.add(weights[e], Columns(a + from[e] * WIDTH + first));
                total.store(sums + first);
            });
            for (int s = 0; s < m; ++s) out[s * TO + n] = base[s * TO + n] + sums[s];
        }
    }
};
