package dev.flywheel.app.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftAdapter;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.trainer.adapter.Conversions;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A version of a stored adapter, written as a PEFT folder.
 *
 * @param digest of the weights, which are written as the store holds them, byte for byte
 */
public record AdapterExport(
        String adapter,
        long version,
        String digest,
        String baseDigest,
        String folder) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String BASE_NAME = "base_model_name_or_path";

    /**
     * Writes a version.
     *
     * @param which a number, or an alias such as {@code serving}
     * @param baseName what PEFT is told the base is called; empty: what it was imported with
     */
    public static AdapterExport write(
            StoreClient store, AdapterName adapter, String which, String baseName, Path out) {
        try {
            AdapterRecord record = store.getAdapter(adapter.value());
            VersionRecord version =
                    store.getVersion(adapter.value(), number(store, adapter, which));
            String digest = version.getRef().getDigest();
            LoraWeights weights = LoraWeights.fromSafetensors(
                    Conversions.loraConfig(record.getLora()), store.getBlob(digest));
            if (!weights.digest().hex().equals(digest)) {
                throw new ToolException(
                        "version %s of %s has digest %s, its bytes make %s".formatted(which,
                                adapter, digest, weights.digest()));
            }
            SortedMap<String, String> kept = new TreeMap<>(record.getPeftFieldsMap());
            String base = baseName(kept.remove(BASE_NAME), baseName, record.getBaseDigest());
            try (NewFolder folder = NewFolder.begin(out)) {
                PeftFolder.write(folder.path(), new PeftAdapter(weights, kept), base);
                new Sidecar(Sidecar.FORMAT, adapter.value(), version.getRef().getNumber(), digest,
                        record.getBaseDigest(), version.getParent(),
                        version.getProbeFingerprint(), version.getCreatedAtMillis())
                        .write(folder.path());
                writeCard(folder.path(), adapter, version, base);
                folder.publish();
            }
            return new AdapterExport(adapter.value(), version.getRef().getNumber(), digest,
                    record.getBaseDigest(), out.toString());
        } catch (StatusRuntimeException e) {
            throw refused(e);
        } catch (IOException e) {
            throw new ToolException(
                    "the adapter cannot be written to %s (%s); nothing is left there".formatted(
                            out, FileProblem.words(e)),
                    e);
        }
    }

    /** What was asked for, else what the adapter was imported with, else what its base's digest begins with. */
    private static String baseName(@Nullable String imported, String asked, String digest) {
        if (!asked.isEmpty()) {
            return asked;
        }
        try {
            String name = imported == null ? null : JSON.readValue(imported, String.class);
            return name == null ? "base-" + digest.substring(0, 12) : name;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the store holds a field that was JSON when it came",
                    e);
        }
    }

    /** Tells a store's refusal in its own words, and in ours what did not come from a store. */
    public static ToolException refused(StatusRuntimeException e) {
        Status.Code code = e.getStatus().getCode();
        return new ToolException(
                switch (code) {
                    case NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, INVALID_ARGUMENT, ABORTED,
                            OUT_OF_RANGE, RESOURCE_EXHAUSTED, DATA_LOSS ->
                        String.valueOf(e.getStatus().getDescription());
                    case UNAVAILABLE ->
                        "no node answers there; is it running, and is that the address of its gRPC port?";
                    case DEADLINE_EXCEEDED ->
                        "what listens there did not answer in time; is it a Flywheel node?";
                    case CANCELLED -> "the call was broken off";
                    default ->
                        "what answers there is no Flywheel node (gRPC status %s); give the address that ./flywheel up prints"
                                .formatted(code);
                },
                e);
    }

    private static long number(StoreClient store, AdapterName adapter, String which) {
        if (which.matches("\\d{1,18}")) {
            return Long.parseLong(which);
        }
        return store.listAliases(adapter.value())
                .stream()
                .filter(alias -> alias.getAlias().equals(which))
                .map(AliasRecord::getVersion)
                .findFirst()
                .orElseThrow(() -> new ToolException(
                        "adapter %s has no alias '%s'; give a version's number, or one of %s"
                                .formatted(
                                        adapter, which,
                                        store.listAliases(adapter.value())
                                                .stream()
                                                .map(AliasRecord::getAlias)
                                                .toList())));
    }

    private static void writeCard(Path out, AdapterName adapter, VersionRecord version,
            String base) throws IOException {
        Files.writeString(out.resolve("README.md"),
                """
                        ---
                        base_model: %s
                        library_name: peft
                        tags: [lora]
                        ---
                        Version %d of adapter %s, learned by Flywheel. `flywheel.json` names its exact base and digest.
                        """
                        .formatted(base, version.getRef().getNumber(), adapter));
    }
}
