package dev.flywheel.app.tool;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.app.file.FileProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * {@code flywheel.json}: what PEFT's files have no field for.
 *
 * @param digest SHA-256 of the weights in canonical bytes
 * @param baseDigest of the base model that the weights belong to
 * @param parent version it was trained from
 * @param probeFingerprint of the logits that the trainer saw with it; empty for version 0
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Sidecar(
        String format,
        @Nullable String adapter,
        @Nullable Long version,
        String digest,
        @Nullable String baseDigest,
        @Nullable Long parent,
        @Nullable String probeFingerprint,
        @Nullable Long createdAtMillis) {
    /** The file's name. */
    public static final String FILE = "flywheel.json";

    static final String FORMAT = "flywheel-adapter/1";

    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /** Reads the file of a PEFT folder; null if it has none. */
    static @Nullable Sidecar read(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            return null;
        }
        try {
            Sidecar sidecar = JSON.readValue(file.toFile(), Sidecar.class);
            if (!FORMAT.equals(sidecar.format())) {
                throw new ToolException(
                        "%s has format '%s', supported is %s".formatted(file, sidecar.format(),
                                FORMAT));
            }
            return sidecar;
        } catch (JsonProcessingException e) {
            throw new ToolException(file + " is no valid sidecar: " + JsonProblem.located(e), e);
        } catch (IOException e) {
            throw new ToolException(
                    "%s cannot be read (%s)".formatted(file, FileProblem.words(e)), e);
        }
    }

    void write(Path folder) {
        try {
            Files.writeString(folder.resolve(FILE), JSON.writeValueAsString(this) + "\n");
        } catch (IOException e) {
            throw new ToolException(
                    "%s cannot be written to %s (%s)".formatted(FILE, folder,
                            FileProblem.words(e)),
                    e);
        }
    }
}
