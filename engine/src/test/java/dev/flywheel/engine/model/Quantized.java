package dev.flywheel.engine.model;

import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.adapters.safetensors.TensorType;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.device.Backends;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is left of weights once they have been quantized, as floats. */
public final class Quantized {
    private Quantized() {}

    /** Returns the values as the reference backend widens their codes. */
    static float[] of(DType type, float[] x) {
        MemorySegment codes =
                MemorySegment.ofArray(new byte[(int) Quantizer.bytes(type, x.length)]);
        if (!Quantizer.quantize(type, (from, to, n) -> System.arraycopy(x, (int) from, to, 0, n),
                x.length, codes)) {
            throw new IllegalArgumentException("refused");
        }
        float[] out = new float[x.length];
        try (Backend backend = Backends.open("reference", 1);
                Stream s = backend.stream(Stream.Priority.SERVING);
                Buffer wide = backend.allocate(DType.F32, x.length);
                Buffer first = backend.allocate(DType.I32, 1)) {
            backend.embed(s, wide, backend.wrap(type, codes), first, 1, 1, x.length);
            backend.download(s, wide, MemorySegment.ofArray(out));
        }
        return out;
    }

    /** Writes the weights of a folder once more, in F32, as a format leaves them. */
    public static void copy(ModelSpec spec, WeightFormat format, Path from, Path to) {
        SafetensorsFile file = SafetensorsFile.read(from.resolve("model.safetensors"), 1 << 24);
        SafetensorsWriter writer = new SafetensorsWriter();
        ModelWeights.shapes(spec).forEach((name, shape) -> {
            float[] stored = file.floats(name);
            DType type = format.quantized(spec, name);
            writer.add(name, TensorType.F32, type == null ? stored : of(type, stored),
                    shape.stream().mapToInt(Integer::intValue).toArray());
        });
        try {
            Files.write(to.resolve("model.safetensors"), writer.toBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
