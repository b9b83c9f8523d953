package dev.flywheel.app.bench.corruption;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** One thing done to one file of a store. */
sealed interface Damage {

    /** The file, relative to the store's folder. */
    String file();

    /** Does it to the file of a store in {@code store}. */
    void apply(Path store) throws IOException;

    /** One bit is another. */
    record Flip(String file, int offset, int bit) implements Damage {
        @Override
        public void apply(Path store) throws IOException {
            Path path = store.resolve(file);
            byte[] bytes = Files.readAllBytes(path);
            bytes[offset] ^= (byte) (1 << bit);
            Files.write(path, bytes);
        }

        @Override
        public String toString() {
            return "bit %d of byte %d of %s flipped".formatted(bit, offset, file);
        }
    }

    /** Only so many bytes are left; {@code record} if they end with a record. */
    record Cut(String file, int length, boolean record) implements Damage {
        @Override
        public void apply(Path store) throws IOException {
            Path path = store.resolve(file);
            Files.write(path, Arrays.copyOf(Files.readAllBytes(path), length));
        }

        @Override
        public String toString() {
            return "%s cut to %d bytes%s".formatted(file, length, record ? ", a record's end" : "");
        }
    }

    /** The file is no longer there. */
    record Gone(String file) implements Damage {
        @Override
        public void apply(Path store) throws IOException {
            Files.delete(store.resolve(file));
        }

        @Override
        public String toString() {
            return file + " deleted";
        }
    }
}
