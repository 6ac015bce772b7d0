// Dense products of a training, for sizes that are known when it is compiled. Arrays are rows of samples: (m, n).
// Loops run along the longer side, which is contiguous, so that the compiler makes vectors of them.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX__)
#include <immintrin.h>
#endif
#if defined(__AVX512F__)
constexpr int REGISTER = 64;
#elif defined(__AVX__)
constexpr int REGISTER = 32;
#else
constexpr int REGISTER = 16;
#endif
constexpr int LANES = REGISTER / sizeof(real);
constexpr int STRIP = 4 * LANES;

// W neighbouring columns, held in registers.
template <int W>
struct Strip {
    static constexpr int V = W < LANES ? W : LANES;
    typedef real lanes __attribute__((vector_size(V * sizeof(real)), aligned(sizeof(real)), may_alias));
    lanes part[W / V];

    explicit Strip(const real* from) {
        for (int i = 0; i < W / V; ++i) part[i] = ((const lanes*)from)[i];
    }
    void add(real factor, const Strip& other) {
        for (int i = 0; i < W / V; ++i) part[i] += factor * other.part[i];
    }
    void store(real* out) const {
        for (int i = 0; i < W / V; ++i) ((lanes*)out)[i] = part[i];
    }
};

template <int ROWS, typename Columns, typename Place>
std::array<Columns, ROWS> several(Place place) {
    return [&]<size_t... r>(std::index_sequence<r...>) {
        return std::array<Columns, ROWS>{Columns(place(r))...};
    }(std::make_index_sequence<ROWS>());
}

template <int LEFT, int W, typename Body>
void rest_of_strips(Body body, int first) {
    if constexpr (LEFT >= W) body(std::integral_constant<int, W>(), first);
    if constexpr (LEFT % W > 0) rest_of_strips<LEFT % W, W / 2>(body, LEFT >= W ? first + W : first);
}

// Calls body(width, first) for strips that cover N columns; the last ones are narrower.
template <int N, typename Body>
void strips(Body body) {
    for (int first = 0; first + STRIP <= N; first += STRIP) body(std::integral_constant<int, STRIP>(), first);
    if constexpr (N % STRIP > 0) rest_of_strips<N % STRIP, STRIP / 2>(body, N - N % STRIP);
}

template <int N, typename T>
void fill(T* out, T value) {
    std::fill(out, out + N, value);
}

template <int N, typename T>
void copy(T* __restrict out, const T* __restrict from) {
    std::memcpy(out, from, sizeof(T) * N);
}

template <int N, typename T>
void copy(int m, T* __restrict out, const T* __restrict from) {
    std::memcpy(out, from, sizeof(T) * m * N);
}

// out += from, of m rows if these are given
template <int N>
void add(real* __restrict out, const real* __restrict from) {
    for (int i = 0; i < N; ++i) out[i] += from[i];
}

template <int N>
void add(int m, real* __restrict out, const real* __restrict from) {
    for (int i = 0; i < m * N; ++i) out[i] += from[i];
}

// out += c from
template <int N>
void add_scaled(int m, real* __restrict out, real c, const real* __restrict from) {
    for (int i = 0; i < m * N; ++i) out[i] += c * from[i];
}

// out = W^T, for W of (K, N)
template <int K, int N>
void transpose(real* __restrict out, const real* __restrict w) {
    for (int k = 0; k < K; ++k)
        for (int n = 0; n < N; ++n) out[n * K + k] = w[k * N + n];
}

// Every row of (BATCH, N) becomes `row`, of (N / EACH,), whose values EACH neighbouring units share.
template <int N, int EACH>
void spread(real* __restrict out, const real* __restrict row) {
    for (int n = 0; n < N; ++n) out[n] = row[n / EACH];
    for (int s = 1; s < BATCH; ++s) std::memcpy(out + s * N, out, sizeof(real) * N);
}

// out = -beta (readout - wanted)
template <int N>
void pull(int m, real* __restrict out, real beta, const real* __restrict readout, const real* __restrict wanted) {
    for (int i = 0; i < m * N; ++i) out[i] = -beta * (readout[i] - wanted[i]);
}

// out = -beta (softmax(readout/temperature) sum(wanted) - wanted)
template <int N>
void pull_by_softmax(int m, real* __restrict out, real beta, const real* __restrict readout,
                     const real* __restrict wanted, real temperature) {
    for (int s = 0; s < m; ++s) {
        real *row = out + s * N, total = 0, all = 0;
        const real *from = readout + s * N, *to = wanted + s * N, most = *std::max_element(from, from + N);
        for (int n = 0; n < N; ++n) row[n] = maths::exp((from[n] - most) / temperature);
        for (int n = 0; n < N; ++n) total += row[n], all += to[n];
        for (int n = 0; n < N; ++n) row[n] = -beta * (row[n] / total * all - to[n]);
    }
}

// Largest change since before, in m rows; not a number where a state is none, or infinite.
template <int N>
double change_of(int m, const real* __restrict now, const real* __restrict before) {
    real largest = 0;
    bool finite = true;
    for (int i = 0; i < m * N; ++i) {
        largest = std::max(largest, std::abs(now[i] - before[i]));
        finite &= std::abs(now[i]) <= std::numeric_limits<real>::max();
    }
    return finite ? largest : std::numeric_limits<double>::quiet_NaN();
}

// The larger one of two residuals; not a number if one of them is none.
static inline double worst(double a, double b) { return a > b || a != a ? a : b; }

// ROWS samples of out = base + a W with W of (K, N)
template <int ROWS, int K, int N>
void product_rows(real* out, const real* base, const real* a, const real* w) {
    strips<N>([=](auto width, int first) {
        typedef Strip<decltype(width)::value> Columns;
        auto total = several<ROWS, Columns>([=](int r) { return base + r * N + first; });
        for (int k = 0; k < K; ++k) {
            const Columns weights(w + k * N + first);
            for (int r = 0; r < ROWS; ++r) total[r].add(a[r * K + k], weights);
        }
        for (int r = 0; r < ROWS; ++r) total[r].store(out + r * N + first);
    });
}

// ROWS samples and COLUMNS units of the same, by scalar products with the rows of W^T, of (N, K)
template <int ROWS, int COLUMNS, int K, int N>
void product_columns(real* out, const real* base, const real* a, const real* transposed) {
    typedef typename Strip<LANES>::lanes lanes;
    lanes total[ROWS][COLUMNS] = {};
    constexpr int whole = K - K % LANES;
    for (int k = 0; k < whole; k += LANES) {
        for (int n = 0; n < COLUMNS; ++n) {
            const lanes weights = *(const lanes*)(transposed + n * K + k);
            for (int r = 0; r < ROWS; ++r) total[r][n] += *(const lanes*)(a + r * K + k) * weights;
        }
    }
    for (int r = 0; r < ROWS; ++r) {
        for (int n = 0; n < COLUMNS; ++n) {
            real sum = 0;
            for (int i = 0; i < LANES; ++i) sum += total[r][n][i];
            for (int k = whole; k < K; ++k) sum += a[r * K + k] * transposed[n * K + k];
            out[r * N + n] = base[r * N + n] + sum;
        }
    }
}

// out = base + a W with W of (K, N)
template <int K, int N>
void product(int m, real* out, const real* base, const real* a, const real* w, const real* transposed) {
    if constexpr (N < K && N < STRIP) {
        constexpr int ROWS = REGISTER == 64 ? 4 : 2, COLUMNS = 5;
        shared(m, ROWS, K * N, [=](int first, int end) {
            for (int s = first; s < end;) {
                const bool several = s + ROWS <= end;
                for (int n = 0; n < N;) {
                    real* to = out + s * N + n;
                    const real *from = base + s * N + n, *back = transposed + n * K;
                    const bool five = n + COLUMNS <= N;
                    if (several && five) product_columns<ROWS, COLUMNS, K, N>(to, from, a + s * K, back);
                    else if (several) product_columns<ROWS, 1, K, N>(to, from, a + s * K, back);
                    else if (five) product_columns<1, COLUMNS, K, N>(to, from, a + s * K, back);
                    else product_columns<1, 1, K, N>(to, from, a + s * K, back);
                    n += five ? COLUMNS : 1;
                }
                s += several ? ROWS : 1;
            }
        });
    } else {
        constexpr int ROWS = 4;
        shared(m, ROWS, K * N, [=](int from, int to) {
            int s = from;
            for (; s + ROWS <= to; s += ROWS) product_rows<ROWS, K, N>(out + s * N, base + s * N, a + s * K, w);
            for (; s < to; ++s) product_rows<1, K, N>(out + s * N, base + s * N, a + s * K, w);
        });
    }
}

// One bit for each of COUNT numbers that is not 0.
template <int COUNT>
uint32_t not_zero(const real* a) {
    uint32_t bits = 0;
#if defined(__AVX512F__)
    if constexpr (COUNT == LANES && sizeof(real) == 4)
        return _mm512_cmp_ps_mask(_mm512_loadu_ps((const float*)a), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    if constexpr (COUNT == LANES && sizeof(real) == 8)
        return _mm512_cmp_pd_mask(_mm512_loadu_pd((const double*)a), _mm512_setzero_pd(), _CMP_NEQ_UQ);
#elif defined(__AVX__)
    if constexpr (COUNT == LANES && sizeof(real) == 4)
        return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps((const float*)a), _mm256_setzero_ps(), _CMP_NEQ_UQ));
    if constexpr (COUNT == LANES && sizeof(real) == 8)
        return _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd((const double*)a), _mm256_setzero_pd(), _CMP_NEQ_UQ));
#endif
    for (int i = 0; i < COUNT; ++i) bits |= (uint32_t)(a[i] != 0) << i;
    return bits;
}

// Calls body(k) for each k for which a[k] is not 0.
template <int K, typename Body>
void where_not_zero(const real* a, Body body) {
    constexpr int whole = K - K % LANES;
    for (int k = 0; k < whole; k += LANES)
        for (uint32_t bits = not_zero<LANES>(a + k); bits; bits &= bits - 1) body(k + std::countr_zero(bits));
    if constexpr (K > whole)
        for (uint32_t bits = not_zero<K - whole>(a + whole); bits; bits &= bits - 1)
            body(whole + std::countr_zero(bits));
}

// out = base + a W with W of (K, N), where most of `a` is 0.
template <int K, int N>
void spikes(int m, real* out, const real* base, const real* a, const real* w) {
    if (out != base) std::memcpy(out, base, sizeof(real) * m * N);
    shared(m, 1, K + K * N / 16, [=](int from, int to) {
        for (int s = from; s < to; ++s) {
            real* __restrict row = out + s * N;
            where_not_zero<K>(a + s * K, [=](int k) {
                const real value = a[s * K + k];
                const real* __restrict weights = w + k * N;
                for (int n = 0; n < N; ++n) row[n] += value * weights[n];
            });
        }
    });
}

// COUNT rows, and all columns, of total += c narrow^T wide, for narrow of (m, A) and wide of (m, V)
template <int COUNT, int A, int V>
void outer_rows(int m, real* total, real c, const real* narrow, const real* wide) {
    strips<V>([=](auto width, int first) {
        typedef Strip<decltype(width)::value> Columns;
        auto sums = several<COUNT, Columns>([=](int r) { return total + r * V + first; });
        for (int s = 0; s < m; ++s) {
            const Columns from(wide + s * V + first);
            for (int r = 0; r < COUNT; ++r) sums[r].add(c * narrow[s * A + r], from);
        }
        for (int r = 0; r < COUNT; ++r) sums[r].store(total + r * V + first);
    });
}

// total += c narrow^T wide
template <int A, int V>
void outer(int m, real* total, real c, const real* narrow, const real* wide) {
    constexpr int ROWS = 5;
    shared(A, ROWS, m * V, [=](int from, int to) {
        int a = from;
        for (; a + ROWS <= to; a += ROWS) outer_rows<ROWS, A, V>(m, total + a * V, c, narrow + a, wide);
        for (; a < to; ++a) outer_rows<1, A, V>(m, total + a * V, c, narrow + a, wide);
    });
}

// The same where most of `narrow` is 0.
template <int A, int V>
void outer_of_few(int m, real* __restrict total, real c, const real* __restrict narrow, const real* __restrict wide) {
    for (int s = 0; s < m; ++s) {
        const real* __restrict from = wide + s * V;
        where_not_zero<A>(narrow + s * A, [=](int a) {
            const real factor = c * narrow[s * A + a];
            real* __restrict row = total + a * V;
            for (int v = 0; v < V; ++v) row[v] += factor * from[v];
        });
    }
}

// The last DELAY + 1 values of N numbers.
template <int N, int DELAY>
struct Ring {
    real values[DELAY + 1][N] = {}, saved[DELAY + 1][N] = {};
    int64_t step = 0;

    void put(const real* from, int64_t at) {
        step = at;
        std::memcpy(values[step % (DELAY + 1)], from, sizeof(real) * N);
    }
    const real* oldest() const { return values[(step + 1) % (DELAY + 1)]; }
    void empty() { std::memset(values, 0, sizeof(values)); }
    void save() { std::memcpy(saved, values, sizeof(values)); }
    void restore() { std::memcpy(values, saved, sizeof(values)); }
};

template <int N>
void keep_within(real* __restrict w, real low, real high) {
    shared(N, 64, 1, [=](int from, int to) {
        for (int i = from; i < to; ++i) w[i] = std::min(std::max(w[i], low), high);
    });
}

// W += rate change, where the change of (K, N) may be held as its transpose
template <int K, int N, bool TRANSPOSED>
void move(real* __restrict w, real rate, const real* __restrict change) {
    shared(K, 1, N, [=](int from, int to) {
        for (int k = from; k < to; ++k)
            for (int n = 0; n < N; ++n) w[k * N + n] += rate * (TRANSPOSED ? change[n * K + k] : change[k * N + n]);
    });
}

// b += rate sum over samples of change, and over the EACH neighbouring units that share a bias
template <int N, int EACH>
void move_bias(int m, real* __restrict b, real rate, const real* __restrict change) {
    for (int s = 0; s < m; ++s)
        for (int n = 0; n < N; ++n) b[n / EACH] += rate * change[s * N + n];
}

// What inputs of (m, K) send that is not 0, input by input.
template <int K>
struct Sent {
    int start[K + 1];
    int sample[BATCH * K];
    real value[BATCH * K];

    void read(int m, const real* x) {
        int end = 0;
        for (int k = 0; k < K; ++k) {
            start[k] = end;
            for (int s = 0; s < m; ++s) {
                sample[end] = s;
                value[end] = x[s * K + k];
                end += x[s * K + k] != 0;
            }
        }
        start[K] = end;
    }
};

// out += x W
template <int K, int N>
void clamped(const Sent<K>& x, real* out, const real* w) {
    const auto columns = [&](auto width, int first, int k) {
        typedef Strip<decltype(width)::value> Columns;
        const Columns weights(w + k * N + first);
        for (int i = x.start[k]; i < x.start[k + 1]; ++i) {
            real* row = out + x.sample[i] * N + first;
            Columns total(row);
            total.add(x.value[i], weights);
            total.store(row);
        }
    };
    constexpr int WHOLE = N / STRIP;
    shared(WHOLE, 1, (int64_t)x.start[K] * STRIP, [&](int from, int to) {
        for (int k = 0; k < K; ++k)
            for (int strip = from; strip < to && x.start[k] < x.start[k + 1]; ++strip)
                columns(std::integral_constant<int, STRIP>(), strip * STRIP, k);
    });
    if constexpr (N % STRIP > 0)
        for (int k = 0; k < K; ++k) {
            const auto rest = [&](auto width, int first) { columns(width, first, k); };
            rest_of_strips<N % STRIP, STRIP / 2>(rest, WHOLE * STRIP);
        }
}

// W += rate x^T change
template <int K, int N>
void move_clamped(const Sent<K>& x, real* w, real rate, const real* change) {
    shared(K, 1, (int64_t)x.start[K] * N / K, [&](int from, int to) {
        for (int k = from; k < to; ++k) {
            if (x.start[k] == x.start[k + 1]) continue;
            strips<N>([&](auto width, int first) {
                typedef Strip<decltype(width)::value> Columns;
                Columns weights(w + k * N + first);
                for (int i = x.start[k]; i < x.start[k + 1]; ++i)
                    weights.add(rate * x.value[i], Columns(change + x.sample[i] * N + first));
                weights.store(w + k * N + first);
            });
        }
    });
}
