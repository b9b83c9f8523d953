package dev.flywheel.itest.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.flywheel.app.config.ConfigLoader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A message or a comment that tells an operator to change a setting names one that there is. */
class SettingNamesTest {
    private static final Set<String> NAMES = names();

    /** Comments, text blocks, strings and characters of Java. */
    private static final Pattern WORDS_OF_JAVA = Pattern.compile(
            "(?s)/\\*.*?\\*/|//[^\\n]*|\"\"\".*?\"\"\"|\"(?:[^\"\\\\\\n]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)+'");
    private static final Pattern COMMENTS_OF_PROTO = Pattern.compile("//[^\\n]*");

    /** Names of Flink's settings have a hyphen somewhere, ours never. */
    private static final Pattern LIKE_A_SETTING = Pattern.compile(
            "(?<![\\w.$/@-])(?:guard|" + String.join("|", groups())
                    + ")\\.(?:[a-z_*-]+\\.)*[a-z_-]*[a-z](?![\\w(/-])");

    @Test
    void everySettingThatAProtoNamesExists() throws IOException {
        assertThat(unknown("api/src/main/proto", ".proto", COMMENTS_OF_PROTO)).isEmpty();
    }

    @Test
    void everySettingThatAMessageOrCommentOfOurCodeNamesExists() throws IOException {
        assertThat(unknown("", ".java", WORDS_OF_JAVA)).isEmpty();
    }

    private static List<String> unknown(String folder, String end, Pattern words)
            throws IOException {
        Path root = Checkout.root().resolve(folder);
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(end))
                    .filter(file -> file.toString().contains("/src/main/"))
                    .flatMap(file -> words.matcher(text(file))
                            .results()
                            .flatMap(each -> LIKE_A_SETTING.matcher(each.group()).results())
                            .map(MatchResult::group)
                            .filter(name -> !exists(name))
                            .map(name -> Checkout.root().relativize(file) + ": " + name))
                    .toList();
        }
    }

    private static boolean exists(String name) {
        return NAMES.contains(name) || isPackage(name) || name.contains("-")
                || name.endsWith(".flywheel.dev") // domains of gRPC errors
                || NAMES.stream().anyMatch(known -> known.matches(name.replace("*", "[^.]+")));
    }

    /** Modules have the names of groups, and comments name packages. */
    private static boolean isPackage(String name) {
        String module = name.substring(0, name.indexOf('.'));
        return Files.isDirectory(
                Checkout.root()
                        .resolve(module)
                        .resolve("src/main/java/dev/flywheel")
                        .resolve(name.replace('.', '/')));
    }

    private static Set<String> groups() {
        Set<String> groups = new TreeSet<>();
        NAMES.forEach(name -> groups.add(name.split("\\.", -1)[0]));
        return groups;
    }

    private static Set<String> names() {
        try {
            Set<String> names = new TreeSet<>();
            collect("", new YAMLMapper().readTree(ConfigLoader.referenceText()), names);
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void collect(String prefix, JsonNode group, Set<String> names) {
        group.properties().forEach(entry -> {
            String name = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
            names.add(name);
            collect(name, entry.getValue(), names);
        });
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
