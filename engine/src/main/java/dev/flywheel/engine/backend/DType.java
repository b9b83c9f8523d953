package dev.flywheel.engine.backend;

/**
 * Element type of a {@link Buffer}, little-endian.
 *
 * <p>Elements of the quantized types share a scale in groups of 16 that follow one another in
 * row-major order. They are weights that kernels only read, and every backend widens them to the
 * same float: the factor in front is a whole number, the division is by a power of two, and so one
 * multiplication rounds.
 */
public enum DType {
    F32(1, 4),
    BF16(1, 2),
    F16(1, 2),
    I32(1, 4),
    /**
     * A group is an F16 {@code span} and 16 signed bytes {@code code}: {@code code * (span / 128)}.
     */
    Q8(16, 18),
    /**
     * A group is an F16 {@code step}, an unsigned byte {@code zero} in sixteenths of a step, and 8
     * bytes whose low halves are the codes of elements 0 to 7, whose high halves those of 8 to 15:
     * {@code (16 * code - zero) * (step / 16)}.
     */
    Q4(16, 11);

    private final int groupElements;
    private final int groupBytes;

    DType(int groupElements, int groupBytes) {
        this.groupElements = groupElements;
        this.groupBytes = groupBytes;
    }

    /** Returns how many elements lie together and are never parted: 1 unless quantized. */
    public int groupElements() {
        return groupElements;
    }

    /** Returns the bytes of one group: of one element unless quantized. */
    public int groupBytes() {
        return groupBytes;
    }

    public boolean quantized() {
        return groupElements > 1;
    }

    /**
     * Returns the bytes of so many elements.
     *
     * @throws IllegalArgumentException if they are no whole number of groups
     */
    public long bytes(long elements) {
        if (elements % groupElements != 0) {
            throw new IllegalArgumentException(
                    elements + " elements of " + this + " are no whole number of groups of "
                            + groupElements);
        }
        return Math.multiplyExact(elements / groupElements, groupBytes);
    }

    /**
     * Returns how many elements so many bytes hold.
     *
     * @throws IllegalArgumentException if they are no whole number of elements or groups
     */
    public long elements(long bytes) {
        if (bytes % groupBytes != 0) {
            throw new IllegalArgumentException(
                    "host memory of " + bytes + " bytes is no whole number of " + this
                            + (quantized() ? " groups" : " elements"));
        }
        return bytes / groupBytes * groupElements;
    }
}
