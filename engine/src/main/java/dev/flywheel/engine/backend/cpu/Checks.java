package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import org.jspecify.annotations.Nullable;

/** Admits buffers to a call: of this backend, open, of the right type and long enough. */
final class Checks {
    private Checks() {}

    /** Admits F32 that the call only reads. */
    static CpuBuffer in(String name, Buffer buffer, long elements) {
        return typed(name, buffer, elements, buffer.dtype() == DType.F32, "F32");
    }

    /** Admits F32 that the call writes; wrapped memory must stay as it is. */
    static CpuBuffer out(String name, Buffer buffer, long elements) {
        return writable(name, in(name, buffer, elements));
    }

    static CpuBuffer writable(String name, CpuBuffer buffer) {
        if (buffer.frozen()) {
            throw new IllegalArgumentException(
                    name + " is wrapped memory, which calls may not write; allocate it instead");
        }
        return buffer;
    }

    static @Nullable CpuBuffer optionalIn(String name, @Nullable Buffer buffer, long elements) {
        return buffer == null ? null : in(name, buffer, elements);
    }

    static @Nullable CpuBuffer optionalOut(String name, @Nullable Buffer buffer, long elements) {
        return buffer == null ? null : out(name, buffer, elements);
    }

    static CpuBuffer i32(String name, Buffer buffer, long elements) {
        return typed(name, buffer, elements, buffer.dtype() == DType.I32, "I32");
    }

    static CpuBuffer weights(String name, Buffer buffer, long elements) {
        return typed(name, buffer, elements, buffer.dtype() != DType.I32,
                "F32, BF16, F16, Q8 or Q4");
    }

    static CpuBuffer any(String name, Buffer buffer, long elements) {
        if (!(buffer instanceof CpuBuffer own)) {
            throw new IllegalArgumentException(
                    name + " belongs to another backend; allocate it with this one");
        }
        if (own.closed()) {
            throw new IllegalStateException(name + " is closed");
        }
        if (own.elements() < elements) {
            throw new IllegalArgumentException(
                    name + " holds " + own.elements() + " elements, the call needs " + elements);
        }
        return own;
    }

    private static CpuBuffer typed(String name, Buffer buffer, long elements, boolean fits,
            String allowed) {
        if (!fits) {
            throw new IllegalArgumentException(
                    name + " holds " + buffer.dtype() + ", allowed is " + allowed);
        }
        return any(name, buffer, elements);
    }
}
