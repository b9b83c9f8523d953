package dev.flywheel.adapters.safetensors;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;

/** The element types of safetensors that fill whole bytes. Only F32, F16 and BF16 become floats. */
public enum TensorType {
    BOOL(1),
    U8(1),
    I8(1),
    F8_E5M2(1),
    F8_E4M3(1),
    F8_E8M0(1),
    I16(2),
    U16(2),
    F16(2),
    BF16(2),
    I32(4),
    U32(4),
    F32(4),
    F64(8),
    I64(8),
    U64(8);

    private final int bytes;

    TensorType(int bytes) {
        this.bytes = bytes;
    }

    /** Returns the size of one element. */
    public int bytes() {
        return bytes;
    }

    /** Returns whether the elements can be read as floats. */
    public boolean isFloat() {
        return this == F32 || this == F16 || this == BF16;
    }

    static TensorType parse(String tensor, String name) {
        for (TensorType type : values()) {
            if (type.name().equals(name)) {
                return type;
            }
        }
        throw new AdapterException(
                Code.UNSUPPORTED,
                "tensor " + Shown.of(tensor) + " has dtype " + Shown.of(name)
                        + ", which is not known");
    }
}
