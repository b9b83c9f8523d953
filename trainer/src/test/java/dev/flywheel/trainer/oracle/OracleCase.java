package dev.flywheel.trainer.oracle;

import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.training.TrainingPass;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** One training case of the oracle, with its base loaded; absent ones skip the test. */
final class OracleCase implements AutoCloseable {
    private static final long GOLDEN_BYTES_MAX = 1 << 26;
    private static final int ROWS_MAX = 256;

    final Path folder;
    final JsonNode manifest;
    final JsonNode batches;
    final JsonNode golden;
    final Backend backend;
    final BaseModel base;
    final TrainingPass pass;

    OracleCase(String backendName, String name) {
        this.folder = shared().resolve("oracle").resolve(name);
        if (!Files.isDirectory(folder)) {
            abort("SKIPPED: no oracle case " + name + " in the shared folder");
        }
        this.manifest = json("manifest.json");
        this.batches = json("batches.json").path("batches");
        this.golden = json("golden.json");
        this.backend = Backends.open(backendName, 1);
        this.base =
                BaseModel.load(
                        folder.resolve(manifest.path("base_model").asText()).normalize(), backend);
        this.pass = new TrainingPass(base, new DeviceLoop(1, () -> 0), ROWS_MAX);
    }

    LoraWeights adapter(String name) {
        return PeftFolder.read(folder.resolve(name), base.linearModules()).weights();
    }

    SafetensorsFile tensors(String name) {
        return SafetensorsFile.read(folder.resolve(name), GOLDEN_BYTES_MAX);
    }

    double tolerance(String key) {
        return manifest.path("tolerance").path(key).doubleValue();
    }

    double hyper(String key) {
        return manifest.path("hyper").path(key).doubleValue();
    }

    AdamW adamW() {
        JsonNode o = manifest.path("optimizer");
        return new AdamW(
                o.path("lr").floatValue(),
                o.path("betas").get(0).floatValue(),
                o.path("betas").get(1).floatValue(),
                o.path("eps").floatValue(),
                o.path("weight_decay").floatValue());
    }

    @Override
    public void close() throws Exception {
        pass.close();
        base.close();
        backend.close();
    }

    private JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(Files.readAllBytes(folder.resolve(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path shared() {
        String property = System.getProperty("flywheel.shared");
        if (property != null) {
            return Path.of(property);
        }
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            if (Files.isDirectory(up.resolve("shared/oracle"))) {
                return up.resolve("shared");
            }
        }
        abort("SKIPPED: no folder shared/oracle beside the repository; set -Dflywheel.shared");
        throw new IllegalStateException();
    }
}
