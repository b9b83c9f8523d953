package dev.flywheel.itest.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What CONTRIBUTING says can be done, can be done. */
class ContributingTest {
    private static final String CONTRIBUTING = Checkout.text("CONTRIBUTING.md");
    private static final List<Path> TESTS = tests();

    @Test
    void theTestsAndBenchmarksThatItRunsExist() {
        List<String> named = Pattern.compile("-D(?:test|bench)=(\\w+)")
                .matcher(CONTRIBUTING)
                .results()
                .map(result -> result.group(1))
                .toList();

        assertThat(named).hasSizeGreaterThan(2);
        assertThat(TESTS.stream().map(ContributingTest::className)).containsAll(named);
    }

    @Test
    void aBenchmarkIsCalledBench() throws IOException {
        for (Path file : TESTS) {
            if (Files.readString(file).contains("\n    @Benchmark")) {
                assertThat(className(file)).endsWith("Bench");
            }
        }
    }

    private static String className(Path file) {
        return String.valueOf(file.getFileName()).replace(".java", "");
    }

    private static List<Path> tests() {
        try (Stream<Path> files = Files.walk(Checkout.root(), 14)) {
            return files.filter(file -> file.toString().contains("/src/test/java/")
                    && file.toString().endsWith(".java")).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
