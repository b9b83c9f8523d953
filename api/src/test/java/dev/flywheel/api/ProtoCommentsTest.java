package dev.flywheel.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.TrainRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The contract says of each of its parts what it is. */
class ProtoCommentsTest {
    /** With what they import: every file of the contract. */
    private static final List<FileDescriptor> ROOTS = Stream
            .of(RankRequest.getDescriptor(), SendFeedbackRequest.getDescriptor(),
                    TrainRequest.getDescriptor(), LoopItem.getDescriptor(),
                    Evaluation.getDescriptor())
            .map(Descriptor::getFile)
            .toList();

    @Test
    void everyServiceCallMessageFieldAndEnumValueHasACommentOfItsOwn() throws IOException {
        Map<String, Boolean> commented = read();

        assertThat(commented.keySet())
                .as("what the reader of this test found, against what protoc did")
                .containsExactlyInAnyOrderElementsOf(declared());
        assertThat(commented.keySet().stream().filter(name -> !commented.get(name)))
                .as("without a comment above it or behind it")
                .isEmpty();
    }

    @Test
    void aCommentAboveABlankLineOrAnotherDeclarationIsNotOnesOwn() {
        ProtoComments reader = new ProtoComments("p");
        reader.read(List.of(
                "// Said of the message.",
                "message M {",
                "  string bare = 1;",
                "  // Said of the field.",
                "  string field = 2;",
                "  // Apart.",
                "",
                "  string apart = 3;",
                "  //",
                "  string wordless = 4;",
                "  string behind = 5; // Said behind it.",
                "}"));

        assertThat(reader.commented())
                .containsExactly(
                        Map.entry("p.M", true),
                        Map.entry("p.M.apart", false),
                        Map.entry("p.M.bare", false),
                        Map.entry("p.M.behind", true),
                        Map.entry("p.M.field", true),
                        Map.entry("p.M.wordless", false));
    }

    private static Map<String, Boolean> read() throws IOException {
        Map<String, Boolean> commented = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder())) {
            for (Path file : files.sorted().toList()) {
                ProtoComments reader = new ProtoComments("flywheel.v1");
                reader.read(Files.readAllLines(file));
                commented.putAll(reader.commented());
            }
        }
        return commented;
    }

    private static Path folder() {
        Path start = Path.of("").toAbsolutePath();
        for (Path folder = start; folder != null; folder = folder.getParent()) {
            Path sources = folder.resolve("api/src/main/proto/flywheel/v1");
            if (Files.isDirectory(sources)) {
                return sources;
            }
        }
        throw new IllegalStateException("no folder above " + start + " holds the contract");
    }

    private static List<String> declared() {
        Map<String, FileDescriptor> files = new TreeMap<>();
        ROOTS.forEach(root -> collect(root, files));
        List<String> names = new ArrayList<>();
        for (FileDescriptor file : files.values()) {
            file.getMessageTypes().forEach(message -> add(message, names));
            file.getEnumTypes().forEach(each -> add(each, names));
            file.getServices().forEach(service -> {
                names.add(service.getFullName());
                service.getMethods()
                        .stream()
                        .map(MethodDescriptor::getFullName)
                        .forEach(names::add);
            });
        }
        return names;
    }

    private static void collect(FileDescriptor file, Map<String, FileDescriptor> files) {
        files.put(file.getName(), file);
        file.getDependencies().forEach(each -> collect(each, files));
    }

    private static void add(Descriptor message, List<String> names) {
        names.add(message.getFullName());
        message.getFields().stream().map(FieldDescriptor::getFullName).forEach(names::add);
        message.getRealOneofs().stream().map(OneofDescriptor::getFullName).forEach(names::add);
        message.getNestedTypes()
                .stream()
                .filter(nested -> !nested.getOptions().getMapEntry()) // a map's, made by protoc
                .forEach(nested -> add(nested, names));
        message.getEnumTypes().forEach(each -> add(each, names));
    }

    private static void add(EnumDescriptor type, List<String> names) {
        names.add(type.getFullName());
        type.getValues().stream().map(EnumValueDescriptor::getFullName).forEach(names::add);
    }
}
