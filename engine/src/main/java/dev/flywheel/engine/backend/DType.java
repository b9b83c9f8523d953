package dev.flywheel.engine.backend;

/** Element type of a {@link Buffer}. */
public enum DType {
    F32(4),
    BF16(2),
    F16(2),
    I32(4);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Returns the bytes of one element. */
    public int bytes() {
        return bytes;
    }
}
