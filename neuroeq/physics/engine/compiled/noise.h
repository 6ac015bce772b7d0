// The random numbers that units draw at every step, as neuroeq/physics/engine/noise.py defines them.
#pragma once

struct Block {
    uint32_t word[4];
};

static inline __attribute__((always_inline)) Block philox(uint32_t block, uint32_t step, uint32_t number, uint64_t key) {
    uint32_t a = block, b = step, c = number, d = 0, low = key, high = key >> 32;
    for (int round = 0; round < 10; ++round) {
        const uint64_t first = (uint64_t)0xD2511F53u * a, second = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(second >> 32) ^ b ^ low, b = (uint32_t)second;
        c = (uint32_t)(first >> 32) ^ d ^ high, d = (uint32_t)first;
        low += 0x9E3779B9u, high += 0xBB67AE85u;
    }
    return {a, b, c, d};
}

static inline __attribute__((always_inline)) real uniform(uint32_t word) {
    return ((int32_t)(word >> 9) + (real)0.5) * (real)(1.0 / (1 << 23));
}

// N numbers of a step: uniform, or normal.
template <int N, bool NORMAL>
void draw(real* __restrict out, uint64_t key, uint32_t step, uint32_t number) {
    constexpr int BLOCKS = (N + 3) / 4;
    alignas(64) static real words[4][BLOCKS];
    for (uint32_t block = 0; block < BLOCKS; ++block) {
        const Block drawn = philox(block, step, number, key);
        words[0][block] = uniform(drawn.word[0]), words[1][block] = uniform(drawn.word[1]);
        words[2][block] = uniform(drawn.word[2]), words[3][block] = uniform(drawn.word[3]);
    }
    for (int pair = 0; NORMAL && pair < 4; pair += 2) {
        for (int block = 0; block < BLOCKS; ++block) {
            const real radius = std::sqrt(-2 * maths::log(words[pair][block])), angle = words[pair + 1][block];
            words[pair][block] = radius * maths::wave(angle, 1), words[pair + 1][block] = radius * maths::wave(angle, 0);
        }
    }
    std::memcpy(out, words, sizeof(real) * N);
}
