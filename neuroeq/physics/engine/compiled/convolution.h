// Products of a convolution, for a few samples at a time. Units are in the order channel, row, column; within a product
// the channels of a place lie side by side, so that what a kernel sees in one row is contiguous.
#pragma once

// Kernels of (CO, CI, K, K) that move by S over (CI, HI, WI) with P rows and columns of zeros around, to (CO, HO, WO).
// Where the average of 2 x 2 positions is taken, they are W wide and move twice as far.
template <int CI, int HI, int WI, int CO, int HO, int WO, int K, int S, int P, bool POOLED>
struct Convolution {
    static constexpr int W = POOLED ? K + S : K, STEP = POOLED ? 2 * S : S, SHIFTS = POOLED ? 2 : 1;
    static constexpr int PRE = CI * HI * WI, POST = CO * HO * WO, PLACES = HO * WO;
    static constexpr int PITCH = (WI + 2 * P) * CI, LAYER = (HI + 2 * P) * PITCH, RUN = W * CI, PATCH = W * RUN;
    static constexpr int CELLS = PATCH * CO, SOME = 4;
    alignas(64) real straight[CELLS], back[CELLS];  // (PATCH, CO) and (CO, PATCH)
    alignas(64) real total[CELLS];

    void hold(const real* w) {
        std::fill_n(straight, CELLS, (real)0);
        each_weight([&](int weight, int cell) { straight[cell] += w[weight] / (SHIFTS * SHIFTS); });
        transpose<PATCH, CO>(back, straight);
    }

    // out = base + A(W) a
    void forward(int m, real* out, const real* base, const real* a) const {
        shared(m, SOME, PLACES * PATCH * CO, [=, this](int first, int end) {
            for (int s = first; s < end; s += SOME) {
                const int some = std::min(SOME, end - s);
                const real *layer = channels_last(some, a + s * PRE);
                real* arrived = by_place();
                for (int place = 0; place < PLACES; ++place) {
                    const real* seen = layer + corner(place);
                    if (some == SOME) gather<SOME>(arrived + place * CO, seen);
                    else for (int r = 0; r < some; ++r) gather<1>(arrived + r * POST + place * CO, seen + r * LAYER);
                }
                for (int r = 0; r < some; ++r)
                    add_by_channel(out + (s + r) * POST, base + (s + r) * POST, arrived + r * POST);
            }
        });
    }

    // out = base + A(W)^T a
    void backward(int m, real* out, const real* base, const real* a) const {
        shared(m, SOME, PLACES * PATCH * CO, [=, this](int first, int end) {
            for (int s = first; s < end; s += SOME) {
                const int some = std::min(SOME, end - s);
                const real* sent = places_first(some, a + s * POST);
                real* layer = empty_layer(some);
                for (int run = 0; run < W; ++run)
                    strips<RUN>([&](auto width, int column) {
                        const real* weights = back + run * RUN + column;
                        real* to = layer + run * PITCH + column;
                        for (int place = 0; place < PLACES; ++place) {
                            const real* row = sent + place * CO;
                            real* at = to + corner(place);
                            if (some == SOME) scatter<SOME, decltype(width)::value>(at, row, weights);
                            else for (int r = 0; r < some; ++r)
                                scatter<1, decltype(width)::value>(at + r * LAYER, row + r * POST, weights);
                        }
                    });
                for (int r = 0; r < some; ++r) {
                    real* to = out + (s + r) * PRE;
                    const real* from = base + (s + r) * PRE;
                    inside(r, [&](int unit, int at) { to[unit] = from[unit] + layer[at]; });
                }
            }
        });
    }

    // The same where most of `a` is 0.
    void forward_few(int m, real* out, const real* base, const real* a) const {
        shared(m, 1, PRE + PATCH * CO / 16, [=, this](int first, int end) {
            for (int s = first; s < end; ++s) {
                real* arrived = by_place();
                std::fill_n(arrived, POST, (real)0);
                each_unit(a + s * PRE, [=, this](real value, int cell, int place) {
                    add_row<CO>(arrived + place * CO, value, straight + cell);
                });
                add_by_channel(out + s * POST, base + s * POST, arrived);
            }
        });
    }
    void backward_few(int m, real* out, const real* base, const real* a) const {
        shared(m, 1, POST + PATCH * CO / 16, [=, this](int first, int end) {
            for (int s = first; s < end; ++s) {
                real* layer = empty_layer(1);
                where_not_zero<POST>(a + s * POST, [=, this](int n) {
                    real* to = layer + corner(n % PLACES);
                    const real *weights = back + n / PLACES * PATCH, value = a[s * POST + n];
                    for (int run = 0; run < W; ++run) add_row<RUN>(to + run * PITCH, value, weights + run * RUN);
                });
                real* to = out + s * PRE;
                const real* from = base + s * PRE;
                inside(0, [=](int unit, int at) { to[unit] = from[unit] + layer[at]; });
            }
        });
    }

    // The sums of `outer` where most of `pre` is 0; or where most of `post` is, as (CO, PATCH).
    void outer_of_few(int m, real* change, real c, const real* pre, const real* post) const {
        for (int s = 0; s < m; ++s) {
            const real* by = places_first(1, post + s * POST);
            each_unit(pre + s * PRE, [=](real value, int cell, int place) {
                add_row<CO>(change + cell, c * value, by + place * CO);
            });
        }
    }
    void outer_to_few(int m, real* turned, real c, const real* pre, const real* post) const {
        for (int s = 0; s < m; ++s) {
            const real* layer = channels_last(1, pre + s * PRE);
            where_not_zero<POST>(post + s * POST, [=](int n) {
                const real *seen = layer + corner(n % PLACES), value = c * post[s * POST + n];
                real* row = turned + n / PLACES * PATCH;
                for (int run = 0; run < W; ++run) add_row<RUN>(row + run * RUN, value, seen + run * PITCH);
            });
        }
    }

    // change += c sum over samples and places of the patches of `pre` times `post`: (PATCH, CO)
    void outer(int m, real* change, real c, const real* pre, const real* post) const {
        constexpr int COUNT = REGISTER == 64 ? 6 : 3;
        for (int s = 0; s < m; s += SOME) {
            const int some = std::min(SOME, m - s);
            const real *layer = channels_last(some, pre + s * PRE), *by = places_first(some, post + s * POST);
            shared(PATCH, COUNT, some * POST, [=](int from, int to) {
                int k = from;
                for (; k + COUNT <= to; k += COUNT) add_products<COUNT>(some, change + k * CO, c, layer, k, by);
                for (; k < to; ++k) add_products<1>(some, change + k * CO, c, layer, k, by);
            });
        }
    }

    // to += rate change, for `to` of the shape of the weights and a change of (PATCH, CO), or (CO, PATCH) if turned
    template <bool TURNED>
    static void narrow(real* to, real rate, const real* change) {
        each_weight([&](int weight, int cell) {
            const int at = TURNED ? cell % CO * PATCH + cell / CO : cell;
            to[weight] += rate / (SHIFTS * SHIFTS) * change[at];
        });
    }

    // to += rate d(sum over samples of post A(W) pre)/dW
    void move(int m, real* to, real rate, const real* pre, const real* post) {
        std::fill_n(total, CELLS, (real)0);
        outer(m, total, 1, pre, post);
        narrow<false>(to, rate, total);
    }

   private:
    static real* by_place() {
        alignas(64) static thread_local real kept[SOME * POST];
        return kept;
    }
    static real* empty_layer(int some) {
        alignas(64) static thread_local real kept[SOME * LAYER];
        std::fill_n(kept, some * LAYER, (real)0);
        return kept;
    }

    // out = base + arrived, for what has arrived by place
    static void add_by_channel(real* out, const real* base, const real* arrived) {
        for (int o = 0; o < CO; ++o)
            for (int i = 0; i < PLACES; ++i) out[o * PLACES + i] = base[o * PLACES + i] + arrived[i * CO + o];
    }

    template <int N>
    static void add_row(real* __restrict to, real factor, const real* __restrict from) {
        for (int i = 0; i < N; ++i) to[i] += factor * from[i];
    }

    // Calls body(value, cell, place) for each unit that is not 0 and each place that sees it, with the cell of (PATCH, CO)
    // in which the weights from there to all channels start.
    template <typename Body>
    static void each_unit(const real* a, Body body) {
        where_not_zero<PRE>(a, [=](int k) {
            const int c = k / (HI * WI), y = k % (HI * WI) / WI + P, x = k % WI + P;
            const int up = y < W ? 0 : (y - W) / STEP + 1, left = x < W ? 0 : (x - W) / STEP + 1;
            for (int i = up; i < HO && i * STEP <= y; ++i)
                for (int j = left; j < WO && j * STEP <= x; ++j)
                    body(a[k], (((y - i * STEP) * W + x - j * STEP) * CI + c) * CO, i * WO + j);
        });
    }

    static int corner(int place) { return place / WO * STEP * PITCH + place % WO * STEP * CI; }

    // Calls body(weight, cell) for the cells of (PATCH, CO) that each weight of (CO, CI, K, K) acts in.
    template <typename Body>
    static void each_weight(Body body) {
        for (int c = 0; c < CI; ++c)
            for (int k = 0; k < K * K; ++k)
                for (int shift = 0; shift < SHIFTS * SHIFTS; ++shift) {
                    const int y = k / K + shift / SHIFTS * S, x = k % K + shift % SHIFTS * S;
                    const int weight = c * K * K + k, cell = ((y * W + x) * CI + c) * CO;
                    for (int o = 0; o < CO; ++o) body(o * CI * K * K + weight, cell + o);
                }
    }

    // Calls body(unit, at) for the units of a sample, and their places in row r of layers with channels last.
    template <typename Body>
    static void inside(int r, Body body) {
        for (int y = 0; y < HI; ++y)
            for (int c = 0; c < CI; ++c)
                for (int x = 0; x < WI; ++x)
                    body((c * HI + y) * WI + x, r * LAYER + (y + P) * PITCH + (x + P) * CI + c);
    }

    static const real* channels_last(int some, const real* a) {
        alignas(64) static thread_local real kept[SOME * LAYER];  // zeros around stay zeros
        for (int r = 0; r < some; ++r) inside(r, [&](int unit, int at) { kept[at] = a[r * PRE + unit]; });
        return kept;
    }
    static const real* places_first(int some, const real* a) {
        alignas(64) static thread_local real kept[SOME * POST];
        for (int r = 0; r < some; ++r)
            for (int o = 0; o < CO; ++o)
                for (int i = 0; i < PLACES; ++i) kept[r * POST + i * CO + o] = a[r * POST + o * PLACES + i];
        return kept;
    }

    // What arrives at a place of ROWS samples.
    template <int ROWS>
    void gather(real* out, const real* seen) const {
        alignas(64) static const real zeros[STRIP] = {};
        strips<CO>([=, this](auto width, int first) {
            typedef Strip<decltype(width)::value> Columns;
            auto total = several<ROWS, Columns>([=](int) { return zeros; });
            const real* weights = straight + first;
            for (int run = 0; run < W; ++run)
                for (int k = 0; k < RUN; ++k, weights += CO) {
                    const Columns row(weights);
                    for (int r = 0; r < ROWS; ++r) total[r].add(seen[r * LAYER + run * PITCH + k], row);
                }
            for (int r = 0; r < ROWS; ++r) total[r].store(out + r * POST + first);
        });
    }

    // Adds what a place of ROWS samples sends back to some columns.
    template <int ROWS, int WIDTH_OF>
    static void scatter(real* to, const real* sent, const real* weights) {
        typedef Strip<WIDTH_OF> Columns;
        auto total = several<ROWS, Columns>([=](int r) { return to + r * LAYER; });
        for (int o = 0; o < CO; ++o) {
            const Columns row(weights + o * PATCH);
            for (int r = 0; r < ROWS; ++r) total[r].add(sent[r * POST + o], row);
        }
        for (int r = 0; r < ROWS; ++r) total[r].store(to + r * LAYER);
    }

    template <int COUNT>
    static void add_products(int some, real* change, real c, const real* layer, int k, const real* post) {
        alignas(64) static const real zeros[STRIP] = {};
        const real* seen[COUNT];
        for (int r = 0; r < COUNT; ++r) seen[r] = layer + (k + r) / RUN * PITCH + (k + r) % RUN;
        strips<CO>([&](auto width, int first) {
            typedef Strip<decltype(width)::value> Columns;
            auto sums = several<COUNT, Columns>([=](int) { return zeros; });
            for (int s = 0; s < some; ++s)
                for (int y = 0; y < HO; ++y)
                    for (int x = 0; x < WO; ++x) {
                        const Columns from(post + s * POST + (y * WO + x) * CO + first);
                        const int at = s * LAYER + y * STEP * PITCH + x * STEP * CI;
                        for (int r = 0; r < COUNT; ++r) sums[r].add(seen[r][at], from);
                    }
            for (int r = 0; r < COUNT; ++r) {
                Columns row(change + r * CO + first);
                row.add(c, sums[r]);
                row.store(change + r * CO + first);
            }
        });
    }
};
