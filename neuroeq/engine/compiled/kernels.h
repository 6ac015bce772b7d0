// Dense products of a training, for sizes that are known when it is compiled. Arrays are rows of samples: (m, n).
// Loops run along the longer side, which is contiguous, so that the compiler makes vectors of them.
#pragma once
#include <algorithm>
#include <cstring>

#define NEUROEQ_VECTORISE _Pragma("GCC ivdep")

constexpr int ROWS = 4;    // samples that share the loads of a weight
constexpr int STRIP = 64;  // columns that stay in registers or the nearest cache

template <int N, typename T>
void fill(T* out, T value) {
    std::fill(out, out + N, value);
}

template <int N, typename T>
void copy(T* __restrict out, const T* __restrict from) {
    std::memcpy(out, from, sizeof(T) * N);
}

// out += from
template <int N>
void add(real* __restrict out, const real* __restrict from) {
    NEUROEQ_VECTORISE
    for (int i = 0; i < N; ++i) out[i] += from[i];
}

// out += c from
template <int N>
void add_scaled(int m, real* __restrict out, real c, const real* __restrict from) {
    NEUROEQ_VECTORISE
    for (int i = 0; i < m * N; ++i) out[i] += c * from[i];
}

// out = W^T, for W of (K, N)
template <int K, int N>
void transpose(real* __restrict out, const real* __restrict w) {
    for (int k = 0; k < K; ++k)
        for (int n = 0; n < N; ++n) out[n * K + k] = w[k * N + n];
}

// Every row of (BATCH, N) becomes `row`.
template <int N>
void spread(real* __restrict out, const real* __restrict row) {
    for (int s = 0; s < BATCH; ++s) std::memcpy(out + s * N, row, sizeof(real) * N);
}

// out = -beta (readout - wanted)
template <int N>
void pull(int m, real* __restrict out, real beta, const real* __restrict readout, const real* __restrict wanted) {
    for (int i = 0; i < m * N; ++i) out[i] = -beta * (readout[i] - wanted[i]);
}

// out = base + a W with W of (K, N); for few columns by scalar products with the rows of its transpose.
template <int K, int N>
void product(int m, real* out, const real* base, const real* a, const real* w, const real* transposed) {
    if constexpr (N < K) {
        for (int s = 0; s < m; ++s) {
            for (int n = 0; n < N; ++n) {
                const real* __restrict row = a + s * K;
                const real* __restrict column = transposed + n * K;
                real total = 0;
                for (int k = 0; k < K; ++k) total += row[k] * column[k];
                out[s * N + n] = base[s * N + n] + total;
            }
        }
    } else {
        for (int s = 0; s < m; ++s) {
            real* __restrict row = out + s * N;
            if (out != base) std::memcpy(row, base + s * N, sizeof(real) * N);
            for (int k = 0; k < K; ++k) {
                const real factor = a[s * K + k];
                const real* __restrict weights = w + k * N;
                NEUROEQ_VECTORISE
                for (int n = 0; n < N; ++n) row[n] += factor * weights[n];
            }
        }
    }
}

// out = base + a W, where `a` is `value` at the units of the events, in order, that lie within [start, start + m K).
template <int K, int N>
void spikes(int m, real* out, const real* base, const int32_t* events, int32_t count, int32_t start, real value,
            const real* w) {
    if (out != base) std::memcpy(out, base, sizeof(real) * m * N);
    const int32_t* end = std::lower_bound(events, events + count, start + m * K);
    for (const int32_t* event = std::lower_bound(events, events + count, start); event != end; ++event) {
        const int unit = *event - start;
        real* __restrict row = out + (unit / K) * N;
        const real* __restrict weights = w + (unit % K) * N;
        NEUROEQ_VECTORISE
        for (int n = 0; n < N; ++n) row[n] += value * weights[n];
    }
}

// total += c narrow^T wide, for narrow of (m, A) and wide of (m, V)
template <int A, int V>
void outer(int m, real* __restrict total, real c, const real* __restrict narrow, const real* __restrict wide) {
    for (int s = 0; s < m; ++s) {
        for (int a = 0; a < A; ++a) {
            const real factor = c * narrow[s * A + a];
            if (factor == 0) continue;
            real* __restrict row = total + a * V;
            const real* __restrict from = wide + s * V;
            NEUROEQ_VECTORISE
            for (int v = 0; v < V; ++v) row[v] += factor * from[v];
        }
    }
}

template <int N>
void keep_within(real* __restrict w, real low, real high) {
    for (int i = 0; i < N; ++i) w[i] = std::min(std::max(w[i], low), high);
}

// W += rate change, where the change of (K, N) may be held as its transpose
template <int K, int N, bool TRANSPOSED>
void move(real* __restrict w, real rate, const real* __restrict change) {
    for (int k = 0; k < K; ++k)
        for (int n = 0; n < N; ++n) w[k * N + n] += rate * (TRANSPOSED ? change[n * K + k] : change[k * N + n]);
}

// b += rate sum over samples of change
template <int N>
void move_bias(int m, real* __restrict b, real rate, const real* __restrict change) {
    for (int s = 0; s < m; ++s) {
        NEUROEQ_VECTORISE
        for (int n = 0; n < N; ++n) b[n] += rate * change[s * N + n];
    }
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
void clamped(const Sent<K>& x, real* __restrict out, const real* __restrict w) {
    for (int first = 0; first < N; first += STRIP) {
        const int width = std::min(STRIP, N - first);
        for (int k = 0; k < K; ++k) {
            const real* __restrict weights = w + k * N + first;
            for (int i = x.start[k]; i < x.start[k + 1]; ++i) {
                real* __restrict row = out + x.sample[i] * N + first;
                const real factor = x.value[i];
                NEUROEQ_VECTORISE
                for (int n = 0; n < width; ++n) row[n] += factor * weights[n];
            }
        }
    }
}

// W += rate x^T change
template <int K, int N>
void move_clamped(const Sent<K>& x, real* __restrict w, real rate, const real* __restrict change) {
    for (int first = 0; first < N; first += STRIP) {
        const int width = std::min(STRIP, N - first);
        for (int k = 0; k < K; ++k) {
            real* __restrict weights = w + k * N + first;
            for (int i = x.start[k]; i < x.start[k + 1]; ++i) {
                const real* __restrict row = change + x.sample[i] * N + first;
                const real factor = rate * x.value[i];
                NEUROEQ_VECTORISE
                for (int n = 0; n < width; ++n) weights[n] += factor * row[n];
            }
        }
    }
}
