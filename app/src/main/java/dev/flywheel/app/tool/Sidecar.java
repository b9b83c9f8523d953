package dev.flywheel.app.tool;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Set;
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

    private static final Set<String> FIELDS = Set.of("format", "adapter", "version", "digest",
            "baseDigest", "parent", "probeFingerprint", "createdAtMillis");
    private static final int BYTES_MAX = 1 << 16;
    private static final int SHOWN_MAX = 120;

    private static final JsonMapper JSON =
            JsonMapper.builder(
                    JsonFactory.builder()
                            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                            .streamReadConstraints(
                                    StreamReadConstraints.builder().maxNestingDepth(8).build())
                            .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .build();

    /**
     * Reads the file of a PEFT folder; null if it has none.
     *
     * @throws AdapterException if there is one that is none of ours
     */
    public static @Nullable Sidecar read(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        if (!Files.isRegularFile(file)) {
            throw new AdapterException(Code.UNREADABLE, FILE
                    + " is no file; it tells which base an adapter belongs to: restore it, or remove it");
        }
        try {
            return parse(JSON.readTree(bytes(file)));
        } catch (JsonProcessingException e) {
            throw malformed("is no valid JSON: " + JsonProblem.located(e), e);
        } catch (IOException e) {
            throw new AdapterException(Code.UNREADABLE,
                    "%s cannot be read (%s)".formatted(FILE, FileProblem.words(e)), e);
        }
    }

    private static byte[] bytes(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(BYTES_MAX + 1);
            if (bytes.length > BYTES_MAX) {
                throw new AdapterException(Code.TOO_LARGE,
                        "%s has more than %d bytes, allowed are at most that many".formatted(FILE,
                                BYTES_MAX));
            }
            return bytes;
        }
    }

    private static Sidecar parse(JsonNode root) {
        if (!(root instanceof ObjectNode fields)) {
            throw malformed("is %s, it must be a JSON object".formatted(shown(root)), null);
        }
        JsonNode format = fields.path("format");
        if (!FORMAT.equals(format.textValue())) {
            throw new AdapterException(Code.UNSUPPORTED, "%s: format is %s, supported is \"%s\""
                    .formatted(FILE, shown(format), FORMAT));
        }
        for (var field : fields.properties()) {
            if (!FIELDS.contains(field.getKey())) {
                throw malformed("has a field '%s', %s has none of that name".formatted(
                        brief(field.getKey()), FORMAT), null);
            }
        }
        String digest = digest(fields, "digest");
        if (digest == null) {
            throw malformed(
                    "has no field 'digest', the SHA-256 of the adapter's weights; export it anew",
                    null);
        }
        return new Sidecar(FORMAT, text(fields, "adapter"), number(fields, "version"), digest,
                digest(fields, "baseDigest"), number(fields, "parent"),
                text(fields, "probeFingerprint"), number(fields, "createdAtMillis"));
    }

    private static @Nullable String digest(ObjectNode fields, String name) {
        String text = text(fields, name);
        if (text != null && !text.matches("[0-9a-f]{64}")) {
            throw wrong(fields, name, "64 hexadecimal digits in lower case");
        }
        return text;
    }

    private static @Nullable String text(ObjectNode fields, String name) {
        JsonNode value = fields.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw wrong(fields, name, "a text");
        }
        return value.textValue();
    }

    private static @Nullable Long number(ObjectNode fields, String name) {
        JsonNode value = fields.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(fields, name, "a whole number of at most 64 bits");
        }
        return value.longValue();
    }

    private static AdapterException wrong(ObjectNode fields, String name, String allowed) {
        return malformed(
                "has %s %s, it must be %s".formatted(name, shown(fields.path(name)), allowed),
                null);
    }

    private static AdapterException malformed(String problem, @Nullable Throwable cause) {
        String message = FILE + " " + problem;
        return cause == null ? new AdapterException(Code.MALFORMED, message)
                : new AdapterException(Code.MALFORMED, message, cause);
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() ? "missing" : brief(value.toString());
    }

    /** The user may have got the file from anywhere. */
    private static String brief(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.length() <= SHOWN_MAX ? printable
                : printable.substring(0, SHOWN_MAX) + "...";
    }

    void write(Path folder) throws IOException {
        Files.writeString(folder.resolve(FILE), JSON.writeValueAsString(this) + "\n");
    }
}
