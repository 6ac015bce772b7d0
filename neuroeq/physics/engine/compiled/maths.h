// Exponentials, logarithms and the like without branches and calls, so that compilers make vectors of loops with them.
// The coefficients are minimax fits (Remez's exchange) of the functions that are named beside them.
// Largest errors in units in the last place, where the processor has a fused multiply-add: exp 1.25, log 1.25, tanh 2.75.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#define INLINE static inline __attribute__((always_inline))

namespace maths {

// What is known of a type; constants are long double, as -fsingle-precision-constant would round others.
template <typename T>
struct Format {
    static constexpr bool SINGLE = sizeof(T) == 4;
    typedef std::conditional_t<SINGLE, uint32_t, uint64_t> bits;
    static constexpr int MANTISSA = SINGLE ? 23 : 52, BIAS = SINGLE ? 127 : 1023;
    static constexpr T ONE = (T)((bits)1 << MANTISSA);  // whose last place is 1
    static constexpr long double LN2_EXACT = 0.693147180559945309417232121458176568L;
    static constexpr T LN2 = (T)LN2_EXACT, LN2_REST = (T)(LN2_EXACT - LN2);
    static constexpr T LARGEST = SINGLE ? 104 : 746;  // whose exponential is infinite, and 0 if it is negative
};

// a b + c, rounded once where the processor can; compilers reorder it less than sums and products.
template <typename T>
INLINE T fused(T a, T b, T c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return std::fma(a, b, c);
#else
    return a * b + c;
#endif
}

template <typename T>
INLINE T polynomial(T, long double last) { return (T)last; }

template <typename T, typename... Others>
INLINE T polynomial(T x, long double first, Others... others) {
    return fused(polynomial(x, others...), x, (T)first);
}

// The bits of a whole number, lowest first, above which there are others: |n| < ONE/2.
template <typename T>
INLINE typename Format<T>::bits whole(T n) {
    return std::bit_cast<typename Format<T>::bits>(n + (T)1.5L * Format<T>::ONE);
}

// 2^n for a whole n, if that is a normal number
template <typename T>
INLINE T power_of_2(T n) {
    return std::bit_cast<T>(whole(n + Format<T>::BIAS) << Format<T>::MANTISSA);
}

// exp(x) = 2^n (1 + rest), with a whole n
template <typename T>
struct Reduced {
    T n, rest;
};

template <typename T>
INLINE Reduced<T> reduced(T x) {
    typedef Format<T> F;
    const T n = std::rint(x * (T)1.442695040888963407359924681001892137L);
    const T r = fused(n, -F::LN2_REST, fused(n, -F::LN2, x));
    T series;  // (exp(r) - 1 - r)/r^2
    if constexpr (F::SINGLE)
        series = polynomial(r, 0.50000000269504320487L, 0.16666576970060648887L, 0.041666375132630410363L,
                            0.0083631812327660964438L, 0.0013941124109545230715L);
    else
        series = polynomial(r, 0.50000000000000010223L, 0.16666666666666674531L, 0.041666666666624123763L,
                            0.0083333333333222064356L, 0.001388888891721542523L, 1.9841269886593202817e-4L,
                            2.4801521293681421492e-5L, 2.7557243342531869569e-6L, 2.7620089390892503851e-7L,
                            2.5110050608369653936e-8L);
    return {n, fused(r * r, series, r)};
}

template <typename T>
INLINE T exponential(T x) {
    typedef Format<T> F;
    const Reduced<T> e = reduced(std::copysign(std::min(std::abs(x), F::LARGEST), x));
    const T half = std::rint(e.n * (T)0.5L), scale = power_of_2(half);  // 2^n may be no normal number
    return fused(scale, e.rest, scale) * power_of_2(e.n - half);
}

// exp(-|x|), where a number below exp(-80) is as good as any
template <typename T>
INLINE T decay(T x) {
    const Reduced<T> e = reduced(-std::min(std::abs(x), (T)80));
    const T scale = power_of_2(e.n);
    return fused(scale, e.rest, scale);
}

template <typename T>
INLINE T hyperbolic_tangent(T x) {
    const Reduced<T> e = reduced(-2 * std::min(std::abs(x), (T)40));
    const T scale = power_of_2(e.n), less = fused(scale, e.rest, scale - 1);  // exp(-2 |x|) - 1
    return std::copysign(less / (less + 2), x);
}

template <typename T>
INLINE T logarithm(T x) {
    typedef Format<T> F;
    typedef typename F::bits bits;
    typedef std::numeric_limits<T> limits;
    constexpr bits root = std::bit_cast<bits>((T)0.707106781186547524400844362104849039L);
    const bool tiny = x < limits::min();
    const bits shifted = std::bit_cast<bits>(tiny ? x * (2 * F::ONE) : x) - root + ((bits)F::BIAS << F::MANTISSA);
    const T m = std::bit_cast<T>((shifted & (((bits)1 << F::MANTISSA) - 1)) + root);  // from sqrt(1/2) to sqrt(2)
    const T above = std::bit_cast<T>((shifted >> F::MANTISSA) | std::bit_cast<bits>(F::ONE));
    const T n = above - F::ONE - (F::BIAS + (tiny ? F::MANTISSA + 1 : 0));  // x = 2^n m
    const T f = m - 1, s = f / (f + 2), z = s * s;
    T series;  // (log(m) - 2 s)/(s z)
    if constexpr (F::SINGLE)
        series = polynomial(z, 0.66666685322808867151L, 0.39988695834082977876L, 0.29583087731158423345L);
    else
        series = polynomial(z, 0.66666666666666697487L, 0.39999999999897885473L, 0.28571428626652054571L,
                            0.22222211031687250864L, 0.18182896210075429069L, 0.15331497729929374322L,
                            0.14619097020452688502L);
    const T of_m = fused(s, fused(z, series, -f), f);  // 2 s = f - s f
    const T found = fused(n, F::LN2, fused(n, F::LN2_REST, of_m));
    const T finite = x < limits::infinity() ? found : x;  // and not a number stays so
    return x > 0 ? finite : x == 0 ? -limits::infinity() : limits::quiet_NaN();
}

// sin(n pi/2 + r) for a whole n and |r| <= pi/4, or its cosine if `later` is 1
template <typename T>
INLINE T turned(T n, T r, int later) {
    typedef Format<T> F;
    const T z = r * r;
    T sine, cosine;  // (sin(r) - r)/(r z) and (cos(r) - 1 + z/2)/z^2
    if constexpr (F::SINGLE) {
        sine = polynomial(z, -0.16666666663858604389L, 0.0083333318754590358855L, -1.9840086964742511348e-4L,
                          2.7249940396786156923e-6L);
        cosine = polynomial(z, 0.041666664662988398893L, -0.00138883034100543447L, 2.4547990117450670534e-5L);
    } else {
        sine = polynomial(z, -0.16666666666666664623L, 0.0083333333333309479823L, -1.9841269836757406885e-4L,
                          2.7557316101788945031e-6L, -2.5051131660283234151e-8L, 1.5918114511567068564e-10L);
        cosine = polynomial(z, 0.041666666666666665389L, -0.0013888888888887396791L, 2.4801587298764787941e-5L,
                            -2.7557317271175160713e-7L, 2.0876146138580043037e-9L, -1.138262225238107735e-11L);
    }
    const typename F::bits quarter = whole(n) + later;
    const T found = quarter & 1 ? fused(z * z, cosine, fused(z, (T)-0.5L, (T)1)) : fused(r * z, sine, r);
    return quarter & 2 ? -found : found;
}

// cos(2 pi u) if `later` is 1, or sin(2 pi u) if it is 0; for |u| <= 1
template <typename T>
INLINE T wave(T u, int later) {
    const T n = std::rint(4 * u);
    return turned(n, (T)6.283185307179586476925286766559005768L * fused(n, (T)-0.25L, u), later);
}

// sin(x), or cos(x) if `later` is 1; angles are as exact as a quarter turn that is known to three times their precision
template <typename T>
INLINE T of_angle(T x, int later) {
    constexpr long double QUARTER = 1.570796326794896619231321691639751442L;
    constexpr T first = (T)QUARTER, second = (T)(QUARTER - first), third = (T)(QUARTER - first - second);
    const T n = std::rint(x * (T)(1 / QUARTER));
    return turned(n, fused(n, -third, fused(n, -second, fused(n, -first, x))), later);
}

template <typename T>
using Real = std::conditional_t<std::is_floating_point_v<T>, T, double>;

template <typename T>
INLINE Real<T> exp(T x) { return exponential((Real<T>)x); }

template <typename T>
INLINE Real<T> log(T x) { return logarithm((Real<T>)x); }

template <typename T>
INLINE Real<T> tanh(T x) { return hyperbolic_tangent((Real<T>)x); }

template <typename T>
INLINE Real<T> sin(T x) { return of_angle((Real<T>)x, 0); }

template <typename T>
INLINE Real<T> cos(T x) { return of_angle((Real<T>)x, 1); }

}  // namespace maths
