package dev.flywheel.adapters.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsStreamTest {
    @TempDir private Path folder;

    private static float value(String name, long index) {
        return name.hashCode() % 97 + index / 7f;
    }

    private static float[] values(String name, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = value(name, i);
        }
        return values;
    }

    /** The large one takes several chunks, the last of them not full. */
    @Test
    void theFileIsThatOfTheWriterThatHoldsAllOfIt() throws Exception {
        SortedMap<String, List<Integer>> shapes = new TreeMap<>();
        shapes.put("norm", List.of(3));
        shapes.put("large", List.of(1_000, 131));
        shapes.put("b.matrix", List.of(2, 5));
        Path file = folder.resolve("model.safetensors");

        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE)) {
            SafetensorsStream.write(channel, shapes, name -> {
                long[] next = {0};
                return (chunk, count) -> {
                    for (int i = 0; i < count; i++) {
                        chunk[i] = value(name, next[0]++);
                    }
                };
            });
        }

        byte[] whole = new SafetensorsWriter()
                .add("norm", TensorType.BF16, values("norm", 3), 3)
                .add("large", TensorType.BF16, values("large", 131_000), 1_000, 131)
                .add("b.matrix", TensorType.BF16, values("b.matrix", 10), 2, 5)
                .toBytes();
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }
}
