// Threads that share loops. What an index computes does not depend on who computes it, nor on how many there are.
#pragma once
#include <atomic>
#include <cstdint>
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

// Each loop is cut into parts, which threads claim one after the other: one that is not there, since its processor does
// something else, is not waited for. A claim is the number of the loop and of its part, so that none is of a former loop.
class Team {
   public:
    // Starts other threads, which wait for loops until the team ends.
    explicit Team(int threads) : parts(4 * threads) {
        for (int i = 1; i < threads; ++i) others.emplace_back([this] { serve(); });
    }
    ~Team() {
        ended = true;
        announce(parts);
        for (std::thread& each : others) each.join();
    }

    // Calls body(from, to) for parts of n indices, each from a multiple of `grain`.
    template <typename Body>
    void run(int n, int grain, const Body& body) {
        share = [](const void* what, int from, int to) { compute(*(const Body*)what, from, to); };
        what = &body, count = n, step = grain;
        done.store(0, std::memory_order_relaxed);
        announce(0);
        work(loop);
        for (int looks = 0; done.load(std::memory_order_acquire) < parts; ++looks) pause(looks);
    }

   private:
    static constexpr int PATIENCE = 5000, SPIN = 200;  // looks for a loop before a thread sleeps, or lets others work
    const uint32_t parts;
    std::vector<std::thread> others;
    std::atomic<uint64_t> claims = 0;  // the loop in the upper half, and its next part
    std::atomic<uint32_t> done = 0;
    std::atomic<bool> ended = false;
    uint32_t loop = 0;
    void (*share)(const void*, int, int) = nullptr;
    const void* what = nullptr;
    int count = 0, step = 1;

    void announce(uint32_t part) {
        claims.store((uint64_t)++loop << 32 | part, std::memory_order_release);
        claims.notify_all();
    }
    int edge(uint32_t part) const { return part == parts ? count : (int64_t)(count / step) * part / parts * step; }
    void work(uint32_t of) {
        for (uint64_t next = claims.load(std::memory_order_acquire); next >> 32 == of && (uint32_t)next < parts;) {
            if (!claims.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
            const int from = edge((uint32_t)next), to = edge((uint32_t)next + 1);
            if (from < to) share(what, from, to);
            done.fetch_add(1, std::memory_order_release);
            next = claims.load(std::memory_order_acquire);
        }
    }
    static void pause(int looks) {
        if (looks > SPIN) std::this_thread::yield();
#if defined(__AVX__)
        else _mm_pause();
#endif
    }
    void serve() {
        for (uint32_t seen = 0;;) {
            uint64_t now = claims.load(std::memory_order_acquire);
            for (int i = 0; i < PATIENCE && now >> 32 == seen; ++i, now = claims.load(std::memory_order_acquire)) pause(0);
            if (now >> 32 == seen) {
                claims.wait(now, std::memory_order_acquire);
                continue;
            }
            if (ended.load(std::memory_order_acquire)) return;
            seen = now >> 32;
            work(seen);
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
