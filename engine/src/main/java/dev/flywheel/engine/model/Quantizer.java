package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/**
 * Finds the codes of quantized weights, group by group, as {@link DType#Q8} and {@link DType#Q4}
 * hold them.
 *
 * <p>Clipping the ends of a group's range makes the steps finer for all the others: of a few ranges
 * the one with the least squared error is taken, the first of equal ones. Of 4 bits the line through
 * the codes found is then fitted to the values, which may find other codes, as long as the error
 * falls. A group depends on nothing but its own values, so the bits are the same on every machine.
 */
final class Quantizer {
    private static final int GROUP = DType.Q4.groupElements();
    private static final int GROUPS_AT_ONCE = 512;
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Parts of the range that are tried at either end of a group of 4 bits; the fit makes up for so few. */
    private static final float[] FOUR_BIT_ENDS = {
        1, 0.94f, 0.88f, 0.82f};

    /** Code that the largest weight of a group of 8 bits gets, about. */
    private static final float[] EIGHT_BIT_ENDS = {
        127, 126.5f, 126, 125.5f, 125, 124.5f, 124, 123, 122, 121, 120, 119};

    private static final int EIGHT_BIT_MAX = 127;
    private static final int FOUR_BIT_MAX = 15;
    private static final int FITS_MAX = 4;
    private static final float HALF_MAX = 65_504;

    private Quantizer() {}

    /** Where weights come from, widened. */
    @FunctionalInterface
    interface Source {
        /** to[0 .. n) = elements [from, from + n). */
        void read(long from, float[] to, int n);
    }

    /** Returns the bytes that so many elements take; the last group may be filled up with zeros. */
    static long bytes(DType type, long elements) {
        return type.bytes((elements + GROUP - 1) / GROUP * GROUP);
    }

    /**
     * Quantizes all elements, on all cores.
     *
     * @return false if a weight is not finite or beyond what F16 holds; the codes are then unusable
     */
    static boolean quantize(DType type, Source source, long elements, MemorySegment to) {
        long groups = (elements + GROUP - 1) / GROUP;
        int chunks = Math.toIntExact((groups + GROUPS_AT_ONCE - 1) / GROUPS_AT_ONCE);
        return IntStream.range(0, chunks).parallel().filter(chunk -> {
            long first = (long) chunk * GROUPS_AT_ONCE;
            int count = (int) Math.min(GROUPS_AT_ONCE, groups - first);
            float[] values = new float[count * GROUP];
            source.read(first * GROUP, values,
                    (int) Math.min(values.length, elements - first * GROUP));
            boolean sound = true;
            for (int g = 0; g < count; g++) {
                sound &= group(type, values, g * GROUP, to, (first + g) * type.groupBytes());
            }
            return !sound;
        }).count() == 0;
    }

    private static boolean group(DType type, float[] x, int at, MemorySegment to, long byteOffset) {
        float low = 0;
        float high = 0;
        for (int i = at; i < at + GROUP; i++) {
            if (!(Math.abs(x[i]) <= HALF_MAX)) {
                return false;
            }
            low = Math.min(low, x[i]);
            high = Math.max(high, x[i]);
        }
        if (type == DType.Q8) {
            eightBit(x, at, Math.max(-low, high), to, byteOffset);
        } else {
            fourBit(x, at, low, high, to, byteOffset);
        }
        return true;
    }

    private static void eightBit(float[] x, int at, float largest, MemorySegment to, long offset) {
        short best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (float end : EIGHT_BIT_ENDS) {
            short span = half(largest * (128 / end));
            float scale = Float.float16ToFloat(span) / 128;
            double error = 0;
            for (int i = at; i < at + GROUP; i++) {
                float difference = eightBitCode(x[i], scale) * scale - x[i];
                error += difference * difference;
            }
            if (error < least) {
                least = error;
                best = span;
            }
        }
        to.set(I16, offset, best);
        float scale = Float.float16ToFloat(best) / 128;
        for (int i = 0; i < GROUP; i++) {
            to.set(ValueLayout.JAVA_BYTE, offset + 2 + i, (byte) eightBitCode(x[at + i], scale));
        }
    }

    private static int eightBitCode(float x, float scale) {
        return scale == 0
                ? 0
                : Math.clamp(Math.round(x / scale), -EIGHT_BIT_MAX, EIGHT_BIT_MAX);
    }

    /** How a group of 4 bits is read, and how far that is from the values. */
    private record FourBits(short step, int zero, double error) {
        static final int ZERO_MAX = 255;

        float scale() {
            return Float.float16ToFloat(step) / 16;
        }

        static FourBits of(float[] x, int at, float step, float zeroInSteps) {
            short half = half(step);
            float scale = Float.float16ToFloat(half) / 16;
            int zero = scale == 0 ? 0 : Math.clamp(Math.round(16 * zeroInSteps), 0, ZERO_MAX);
            return new FourBits(half, zero, fourBitError(x, at, scale, zero));
        }
    }

    private static void fourBit(float[] x, int at, float low, float high, MemorySegment to,
            long offset) {
        FourBits best = new FourBits((short) 0, 0, Double.POSITIVE_INFINITY);
        for (float lowEnd : FOUR_BIT_ENDS) {
            for (float highEnd : FOUR_BIT_ENDS) {
                float bottom = low * lowEnd;
                float step = (high * highEnd - bottom) / FOUR_BIT_MAX;
                FourBits tried = FourBits.of(x, at, step, step == 0 ? 0 : -bottom / step);
                best = tried.error() < best.error() ? tried : best;
            }
        }
        FourBits next = fitted(x, at, best);
        for (int fit = 0; fit < FITS_MAX && next.error() < best.error(); fit++) {
            best = next;
            next = fitted(x, at, best);
        }
        to.set(I16, offset, best.step());
        to.set(ValueLayout.JAVA_BYTE, offset + 2, (byte) best.zero());
        float scale = best.scale();
        for (int i = 0; i < GROUP / 2; i++) {
            int pair = fourBitCode(x[at + i], scale, best.zero())
                    | fourBitCode(x[at + GROUP / 2 + i], scale, best.zero()) << 4;
            to.set(ValueLayout.JAVA_BYTE, offset + 3 + i, (byte) pair);
        }
    }

    /** Returns step and zero of the line that is nearest to the values for the codes they have. */
    private static FourBits fitted(float[] x, int at, FourBits found) {
        double codes = 0;
        double values = 0;
        double squares = 0;
        double products = 0;
        for (int i = at; i < at + GROUP; i++) {
            int code = fourBitCode(x[i], found.scale(), found.zero());
            codes += code;
            values += x[i];
            squares += (double) code * code;
            products += (double) code * x[i];
        }
        double spread = squares - codes * codes / GROUP;
        double step = (products - codes * values / GROUP) / spread;
        if (!(step > 0 && step < HALF_MAX)) { // one code for all, or values too small for a step
            return found;
        }
        return FourBits.of(x, at, (float) step, (float) ((codes - values / step) / GROUP));
    }

    private static double fourBitError(float[] x, int at, float scale, int zero) {
        double error = 0;
        for (int i = at; i < at + GROUP; i++) {
            float difference = (16 * fourBitCode(x[i], scale, zero) - zero) * scale - x[i];
            error += difference * difference;
        }
        return error;
    }

    private static int fourBitCode(float x, float scale, int zero) {
        return scale == 0
                ? 0
                : Math.clamp(Math.round((x / scale + zero) / 16), 0, FOUR_BIT_MAX);
    }

    private static short half(float value) {
        return Float.floatToFloat16(Math.min(value, HALF_MAX));
    }
}
