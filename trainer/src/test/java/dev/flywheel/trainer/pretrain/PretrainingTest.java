package dev.flywheel.trainer.pretrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PretrainingTest {
    private static final PretrainSettings TINY =
            new PretrainSettings(
                    5,
                    12,
                    1024,
                    1e-2,
                    0.1,
                    0.1,
                    0.5,
                    2000,
                    4,
                    new PretrainSettings.Size(512, 16, 1, 2, 1, 8, 32));

    @TempDir Path temp;

    @Test
    void lowersTheLossAndWritesAFolderThatLoads() throws IOException {
        List<PretrainProgress> seen = new ArrayList<>();
        try (Backend backend = Backends.open("cpu", 1)) {
            PretrainReport report = run(temp, backend, seen);
            assertThat(seen).hasSize(12);
            assertThat(seen.getFirst().loss()).isGreaterThan(5.5);
            assertThat(report.end().loss()).isLessThan(seen.getFirst().loss() - 0.5);
            assertThat(report.marks()).hasSize(9);
            try (BaseModel model = BaseModel.load(temp, backend)) {
                assertThat(model.spec().tiedEmbeddings()).isTrue();
                assertThat(model.spec().eosIds()).containsExactly(0);
            }
        }
        assertThat(temp.resolve("pretrain.json")).content().contains("\"final_loss\"");
        assertThat(temp.resolve("README.md")).content().contains("flywheel pretrain --out DIR");
        List<Anchors.Anchor> anchors = Anchors.read(temp.resolve(Anchors.FILE));
        assertThat(anchors).hasSize(500);
        assertThat(anchors.getFirst().prompt()).startsWith("Question: ").endsWith("Answer:");
    }

    @Test
    void theSameSeedGivesTheSameBytes(@TempDir Path other) throws IOException {
        try (Backend backend = Backends.open("cpu", 1)) {
            run(temp, backend, new ArrayList<>());
            run(other, backend, new ArrayList<>());
        }
        for (String file : List.of("model.safetensors", "tokenizer.json", Anchors.FILE)) {
            assertThat(Files.mismatch(temp.resolve(file), other.resolve(file))).as(file)
                    .isEqualTo(-1);
        }
    }

    private static PretrainReport run(Path folder, Backend backend, List<PretrainProgress> seen)
            throws IOException {
        return new Pretraining(TINY, backend, new DeviceLoop(1, System::nanoTime), System::nanoTime)
                .run(folder, "./flywheel pretrain --out DIR", seen::add);
    }

    @Test
    void theShippedBaseIsSmallAndWasMadeWithTheStandardSettings() throws IOException {
        Path shipped = repository().resolve("models").resolve("flywheel-base");
        ObjectMapper json = new ObjectMapper();
        JsonNode record = json.readTree(shipped.resolve("pretrain.json").toFile());
        assertThat(record.get("settings"))
                .isEqualTo(json.readTree(json.writeValueAsBytes(PretrainSettings.standard())));
        assertThat(record.get("command").asText()).startsWith("./flywheel pretrain --out");
        assertThat(record.get("held_out").get("verdict_accuracy").asDouble()).isGreaterThan(0.9);
        long bytes = 0;
        try (Stream<Path> files = Files.list(shipped)) {
            for (Path file : files.toList()) {
                bytes += Files.size(file);
            }
        }
        assertThat(bytes).isLessThan(8L << 20);
    }

    private static Path repository() {
        Path at = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (!Files.isDirectory(at.resolve("models"))) {
            at = at.getParent();
        }
        return at;
    }

    @Test
    void namesTheSettingThatIsWrong() {
        assertThatThrownBy(() -> TINY.withSteps(0)).hasMessage("steps must be at least 1, was 0");
    }
}
