package dev.flywheel.app.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No case is left out, wherever it lies. */
class OracleFolderTest {
    @TempDir Path folder;

    @Test
    void casesAtAnyDepthAndBehindLinksAreFound() throws Exception {
        Path root = Files.createDirectories(folder.resolve("oracle"));
        manifest(root.resolve("a/b/c/d/e/f/g"));
        manifest(folder.resolve("elsewhere/linked"));
        Files.createSymbolicLink(root.resolve("linked"), folder.resolve("elsewhere/linked"));
        Files.createSymbolicLink(root.resolve("a/up"), root);
        Files.createDirectories(root.resolve("broken"));
        Files.createSymbolicLink(root.resolve("broken/manifest.json"), folder.resolve("gone"));

        assertThat(OracleFolder.find(root, "")).containsOnlyKeys(
                "a/b/c/d/e/f/g", "broken", "linked");
    }

    @Test
    void casesOfTheIndexAndOfTheDiskAreJoined() throws Exception {
        manifest(folder.resolve("models/unlisted"));
        index("{\"format\":\"flywheel-oracle/1\",\"cases\":[{\"id\":\"models/gone\"}]}");

        assertThat(OracleFolder.find(folder, "models/"))
                .containsOnlyKeys("models/gone", "models/unlisted");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",\"cases\":null", ",\"cases\":{}", ",\"cases\":7"})
    void anIndexWithoutAListOfCasesIsRefused(String cases) throws Exception {
        manifest(folder.resolve("models/one"));
        index("{\"format\":\"flywheel-oracle/1\"" + cases + "}");

        assertThatThrownBy(() -> OracleFolder.find(folder, ""))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("INDEX.json: cases is")
                .hasMessageContaining("expected a list");
    }

    @Test
    void aLinkedCaseFindsTheModelThatLiesBesideTheFolderItself() throws Exception {
        OracleCopy copy = new OracleCopy(
                folder.resolve("whole"), "models/llama-gqa-f32", "adapters/r4-qv");
        Path part = Files.createDirectories(folder.resolve("part/adapters"));
        Files.createSymbolicLink(
                part.resolve("r4-qv"), copy.root.resolve("adapters/r4-qv"));

        OracleReport report = OracleCopy.judge(folder.resolve("part"), "", "cpu");

        assertThat(OracleCopy.failures(report)).isEmpty();
        assertThat(report.passed()).isEqualTo(1);
    }

    @Test
    void aCaseThatWasCopiedAloneKeepsItsId() throws Exception {
        OracleCopy copy = new OracleCopy(folder, "tokenizers/bpe-qwen");
        Path alone = folder.resolve("alone/bpe-qwen");
        Files.createDirectories(alone.getParent());
        Files.move(copy.root.resolve("tokenizers/bpe-qwen"), alone);

        CaseReport report = OracleCopy.judge(alone, "", "cpu").cases().getFirst();

        assertThat(report.id()).isEqualTo("tokenizers/bpe-qwen");
        assertThat(report.outcome()).isEqualTo(Outcome.PASS);
    }

    private void index(String content) throws IOException {
        Files.writeString(folder.resolve("INDEX.json"), content);
    }

    private static void manifest(Path at) throws IOException {
        Files.createDirectories(at);
        Files.writeString(at.resolve("manifest.json"), "{}");
    }
}
