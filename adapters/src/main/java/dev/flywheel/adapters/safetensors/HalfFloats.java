package dev.flywheel.adapters.safetensors;

/** Conversions between 32-bit floats and the two 16-bit formats; Java 17 has none built in. */
public final class HalfFloats {
    private static final int SIGN_MASK = 0x8000;
    private static final int F16_EXPONENT_MAX = 0x1f;
    private static final int F16_FRACTION_BITS = 10;
    private static final int F16_FRACTION_MASK = 0x3ff;
    private static final int F32_FRACTION_BITS = 23;
    private static final int BIAS_DIFFERENCE = 127 - 15;
    private static final float F16_SUBNORMAL_UNIT = 0x1p-24f;

    private HalfFloats() {}

    /** Widens a bfloat16; exact. */
    public static float fromBf16(short bits) {
        return Float.intBitsToFloat(bits << Short.SIZE);
    }

    /** Rounds to the nearest bfloat16, ties to even; NaN stays NaN. */
    public static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> Short.SIZE) | 0x40);
        }
        int roundUp = 0x7fff + ((bits >>> Short.SIZE) & 1);
        return (short) ((bits + roundUp) >>> Short.SIZE);
    }

    /** Widens an IEEE half; exact. */
    public static float fromF16(short bits) {
        int sign = (bits & SIGN_MASK) << Short.SIZE;
        int exponent = (bits >>> F16_FRACTION_BITS) & F16_EXPONENT_MAX;
        int fraction = bits & F16_FRACTION_MASK;
        if (exponent == 0) {
            float magnitude = fraction * F16_SUBNORMAL_UNIT;
            return sign == 0 ? magnitude : -magnitude;
        }
        int wideExponent = exponent == F16_EXPONENT_MAX ? 0xff : exponent + BIAS_DIFFERENCE;
        return Float.intBitsToFloat(
                sign
                        | (wideExponent << F32_FRACTION_BITS)
                        | (fraction << (F32_FRACTION_BITS - F16_FRACTION_BITS)));
    }
}
