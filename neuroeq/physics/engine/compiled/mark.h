// Sets a place to a value where a condition holds, without a jump.
#pragma once

template <typename T, typename V>
static inline void mark(T& place, bool condition, V value) {
    const T kept = place;
    place = condition ? (T)value : kept;
}
