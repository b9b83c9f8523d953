package dev.flywheel.app.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes a report as JSON. */
final class JsonFile {
    private static final ObjectMapper JSON =
            JsonMapper.builder()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .addModule(
                            new SimpleModule()
                                    .addSerializer(double.class, new Measured<>(Double.class))
                                    .addSerializer(Double.class, new Measured<>(Double.class))
                                    .addSerializer(float.class, new Measured<>(Float.class))
                                    .addSerializer(Float.class, new Measured<>(Float.class))
                                    .addSerializer(double[].class, new MeasuredList()))
                    .build();

    /** What could not be measured is null: JSON has no NaN. */
    private static final class Measured<T extends Number> extends StdSerializer<T> {
        private static final long serialVersionUID = 1L;

        Measured(Class<T> type) {
            super(type);
        }

        @Override
        public void serialize(T value, JsonGenerator out, SerializerProvider provider)
                throws IOException {
            if (!Double.isFinite(value.doubleValue())) {
                out.writeNull();
            } else if (value instanceof Float single) {
                out.writeNumber(single.floatValue());
            } else {
                out.writeNumber(value.doubleValue());
            }
        }
    }

    private static final class MeasuredList extends StdSerializer<double[]> {
        private static final long serialVersionUID = 1L;

        MeasuredList() {
            super(double[].class);
        }

        @Override
        public void serialize(double[] values, JsonGenerator out, SerializerProvider provider)
                throws IOException {
            out.writeStartArray();
            for (double value : values) {
                if (Double.isFinite(value)) {
                    out.writeNumber(value);
                } else {
                    out.writeNull();
                }
            }
            out.writeEndArray();
        }
    }

    private JsonFile() {}

    static String text(Object report) {
        try {
            return JSON.writeValueAsString(report);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a report is always json", e);
        }
    }

    static void write(Path file, Object report) {
        write("--json", file, report);
    }

    /** Reads a report back; what it does not know is left out. */
    static <T> T read(String option, Path file, Class<T> type) {
        try {
            return JSON.readValue(file.toFile(), type);
        } catch (IOException e) {
            throw new StartException(
                    "file %s given with %s cannot be read (%s); give the file as it was written"
                            .formatted(file, option, FileProblem.words(e)),
                    e);
        }
    }

    /** Writes to a file that an option named. */
    static void write(String option, Path file, Object report) {
        try {
            Files.writeString(file, text(report) + "\n");
        } catch (IOException e) {
            throw new StartException(
                    "file %s given with %s cannot be written (%s); give another file with %2$s, or free space on its disk"
                            .formatted(file, option, FileProblem.words(e)),
                    e);
        }
    }

    /** Fails early, before the work, if {@code file} cannot be written. */
    static void requireWritable(Path file) {
        requireWritable("--json", file);
    }

    /** Likewise of a file that an option named. */
    static void requireWritable(String option, Path file) {
        Path folder = file.toAbsolutePath().getParent();
        boolean writable =
                folder != null
                        && Files.isWritable(Files.exists(file) ? file : folder)
                        && !Files.isDirectory(file);
        if (!writable) {
            throw new StartException(
                    "file %s given with %s cannot be written: its folder is missing or not writable, or it is a folder"
                            .formatted(file, option));
        }
    }
}
