package dev.flywheel.itest.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.app.FlywheelCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What README says can be done, can be done. */
class ReadmeTest {
    private static final String README = Checkout.text("README.md");
    private static final String NOT_YET = "not yet";

    @Test
    void theJavaOfReadmeIsCodeThatCompiles() {
        List<String> blocks = Checkout.blocks("README.md", "java");

        assertThat(blocks).hasSize(2);
        assertThat(blocks.getFirst().replace("\"localhost:7470\"", "address"))
                .isEqualTo(asCode("FirstCall"));
        assertThat(blocks.getLast()).isEqualTo(asCode("DirectProducer"));
    }

    @Test
    void theFirstCallRanksAndTellsTheNodeWhatWasClicked() throws IOException {
        try (RecordingNode node = new RecordingNode()) {
            FirstCall.run(node.address());

            assertThat(node.ranked).singleElement().satisfies(request -> {
                assertThat(request.getCandidatesCount()).isEqualTo(2);
                assertThat(request.getScope().getAdapter()).isEqualTo("default/main");
            });
            assertThat(node.told).singleElement().satisfies(request -> {
                assertThat(request.getFeedbackToken()).isEqualTo(RecordingNode.TOKEN);
                assertThat(request.getSignal().getClick().getCandidateId()).isEqualTo("b");
            });
        }
    }

    @Test
    void everyGrpcurlCallNamesAMethodAndFieldsThatExist() {
        Matcher call = Pattern
                .compile("grpcurl -plaintext -d '(.*?)' localhost:7470 ([\\w.]+)/(\\w+)",
                        Pattern.DOTALL)
                .matcher(README);
        Set<String> methods = new TreeSet<>();
        while (call.find()) {
            MethodDescriptor method = method(call.group(2), call.group(3));
            methods.add(method.getFullName());
            fieldsExist(method.getInputType(), json(call.group(1)));
        }
        assertThat(methods)
                .containsExactly("flywheel.v1.Feedback.Send", "flywheel.v1.Inference.Rank");
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"})
    void everyLinkedFileExists(String file) {
        Matcher link =
                Pattern.compile("\\]\\((?!https?:)([^)#]+)[^)]*\\)").matcher(Checkout.text(file));
        while (link.find()) {
            assertThat(Checkout.root().resolve(link.group(1))).exists();
        }
    }

    @Test
    void aCommandThatReadmeOffersExistsAndTheOtherWayRound() {
        Map<String, String> stated = new TreeMap<>();
        Matcher row = Pattern.compile("(?m)^\\| `\\./flywheel ([\\w-]+)` \\|.*\\| (.*) \\|$")
                .matcher(README);
        while (row.find()) {
            stated.put(row.group(1), row.group(2));
        }
        Set<String> real =
                new TreeSet<>(new CommandLine(new FlywheelCommand()).getSubcommands().keySet());
        real.remove("help");

        assertThat(stated.keySet()).as("commands in README").containsAll(real);
        stated.forEach(
                (command, state) -> assertThat(real.contains(command) || state.equals(NOT_YET))
                        .as("%s, which README gives the state \"%s\", is a command", command, state)
                        .isTrue());
    }

    @Test
    void everyOptionThatReadmeNamesForACommandIsOneOfIts() {
        Map<String, CommandLine> commands = new CommandLine(new FlywheelCommand()).getSubcommands();
        Matcher row = Pattern.compile("(?m)^\\| `\\./flywheel ([\\w-]+)` \\|(.*)$").matcher(README);
        while (row.find()) {
            CommandLine command = commands.get(row.group(1));
            Matcher option = Pattern.compile("`(--[\\w-]+)").matcher(row.group(2));
            while (command != null && option.find()) {
                assertThat(takes(command, option.group(1)))
                        .as("%s is an option of %s", option.group(1), row.group(1))
                        .isTrue();
            }
        }
    }

    /** Whether a command, or one of its own commands, has an option. */
    private static boolean takes(CommandLine command, String option) {
        return command.getCommandSpec().findOption(option) != null
                || command.getSubcommands().values().stream().anyMatch(one -> takes(one, option));
    }

    @Test
    void noPromiseIsCalledTestedWithoutATestThatExists() throws IOException {
        Set<String> tests = testClasses();
        Matcher row = Pattern.compile("(?m)^\\| (P\\d+) \\| (.*) \\| (.*) \\| ?(.*?) ?\\|$")
                .matcher(README);
        Set<String> promises = new TreeSet<>();
        while (row.find()) {
            promises.add(row.group(1));
            List<String> named = Pattern.compile("`(\\w+)`")
                    .matcher(row.group(4))
                    .results()
                    .map(result -> result.group(1))
                    .toList();
            assertThat(tests).as("tests of %s", row.group(1)).containsAll(named);
            assertThat(named.isEmpty())
                    .as("%s is \"%s\" and names tests: %s", row.group(1), row.group(3), named)
                    .isEqualTo(row.group(3).equals(NOT_YET));
        }
        assertThat(promises).hasSize(12);
    }

    private static Set<String> testClasses() throws IOException {
        try (Stream<Path> files = Files.walk(Checkout.root(), 14)) {
            return files.map(Path::toString)
                    .filter(name -> name.contains("/src/test/java/") && name.endsWith("Test.java"))
                    .map(name -> name.replaceAll(".*/|\\.java", ""))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static String asCode(String name) {
        String code =
                Checkout.text("itest/src/test/java/dev/flywheel/itest/docs/" + name + ".java");
        String region = code.substring(
                code.indexOf("// README begins\n") + "// README begins\n".length(),
                code.indexOf("        // README ends"));
        return region.replaceAll("(?m)^ {8}", "");
    }

    private static MethodDescriptor method(String service, String name) {
        ServiceDescriptor found =
                Stream.of(RankRequest.getDescriptor(), SendFeedbackRequest.getDescriptor())
                        .map(message -> message.getFile().getServices())
                        .flatMap(List::stream)
                        .filter(candidate -> candidate.getFullName().equals(service))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no service " + service));
        MethodDescriptor method = found.findMethodByName(name);
        assertThat(method).as("method %s of %s", name, service).isNotNull();
        return method;
    }

    private static JsonNode json(String text) {
        assertThatCode(() -> new JsonMapper().readTree(text)).doesNotThrowAnyException();
        try {
            return new JsonMapper().readTree(text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void fieldsExist(Descriptor message, JsonNode value) {
        for (JsonNode one : value.isArray() ? value : List.of(value)) {
            one.properties().forEach(entry -> {
                FieldDescriptor field = message.findFieldByName(entry.getKey());
                assertThat(field).as("field %s of %s", entry.getKey(), message.getFullName())
                        .isNotNull();
                assertThat(entry.getValue().isArray()).isEqualTo(field.isRepeated());
                if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
                    fieldsExist(field.getMessageType(), entry.getValue());
                }
            });
        }
    }
}
