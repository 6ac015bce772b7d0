// Threads that share loops. What an index computes does not depend on who computes it, nor on how many there are.
#pragma once
#include <atomic>
#include <thread>
#include <vector>
#if defined(__AVX__)
#include <immintrin.h>
#endif

// The same machine code for all parts of a loop, so that they have the same bits.
template <typename Body>
__attribute__((noipa)) static void compute(const Body& body, int from, int to) {
    body(from, to);
}

class Team {
   public:
    // Starts other threads, which wait for loops until the team ends.
    explicit Team(int threads) {
        for (int i = 1; i < threads; ++i) others.emplace_back([this, i] { serve(i); });
        members = threads;
    }
    ~Team() {
        share = nullptr;
        start();
        for (std::thread& each : others) each.join();
    }

    // Calls body(from, to) for parts of n indices, each from a multiple of `grain`.
    template <typename Body>
    void run(int n, int grain, const Body& body) {
        share = [](const void* what, int from, int to) { compute(*(const Body*)what, from, to); };
        what = &body, count = n, step = grain, left = members - 1;
        start();
        part(0);
        for (int looks = 0; left.load(std::memory_order_acquire); ++looks) pause(looks);
    }

   private:
    static constexpr int PATIENCE = 20000, SPIN = 4000;  // looks for a loop before a thread sleeps, or lets others work
    std::vector<std::thread> others;
    std::atomic<int> round = 0, left = 0;
    void (*share)(const void*, int, int) = nullptr;
    const void* what = nullptr;
    int count = 0, step = 1, members = 1;

    void start() {
        round.fetch_add(1, std::memory_order_release);
        round.notify_all();
    }
    int edge(int index) const { return (int64_t)(count / step) * index / members * step; }
    void part(int index) {
        const int from = edge(index), to = index + 1 == members ? count : edge(index + 1);
        if (from < to) share(what, from, to);
    }
    static void pause(int looks) {
        if (looks > SPIN) std::this_thread::yield();
#if defined(__AVX__)
        else _mm_pause();
#endif
    }
    void serve(int index) {
        for (int seen = 0;; ++seen) {
            for (int i = 0; i < PATIENCE && round.load(std::memory_order_acquire) == seen; ++i) pause(0);
            round.wait(seen, std::memory_order_acquire);
            if (!share) return;
            part(index);
            left.fetch_sub(1, std::memory_order_release);
        }
    }
};

static Team* team = nullptr;
static int64_t shared_from = 0;  // operations

// Calls body(from, to) for all n indices, which take `cost` operations each; parts begin at multiples of `grain`.
template <typename Body>
static inline void shared(int n, int grain, int64_t cost, const Body& body) {
    if (team && n * cost >= shared_from) team->run(n, grain, body);
    else compute(body, 0, n);
}
