package dev.flywheel.itest.arch;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Who may use whom. The two tables are the law; a change here is a change of the design and wants a reason. */
class ModuleDependencyTest {

    /** A module and the other modules that it may use. */
    private record Row(String module, Set<String> mayUse) {}

    /** Packages of a library and the only packages of ours that may name them. */
    private record Library(String name, List<String> packages, List<String> owners) {}

    private static final List<Row> ROWS = List.of(
            new Row("api", Set.of()),
            new Row("adapters", Set.of()),
            new Row("engine", Set.of("adapters")),
            new Row("store", Set.of("api", "adapters")),
            new Row("feedback", Set.of("api", "adapters")),
            new Row("trainer", Set.of("api", "adapters", "engine", "feedback")),
            new Row("serving", Set.of("api", "adapters", "engine", "feedback", "store")),
            new Row("pipelines", Set.of("api", "adapters", "feedback")),
            new Row("app", Set.of("api", "adapters", "engine", "store", "feedback", "trainer",
                    "serving", "pipelines")));

    private static final List<Library> LIBRARIES = List.of(
            new Library("JCuda", List.of("jcuda.."), List.of("engine.backend.cuda..")),
            new Library("Vector API", List.of("jdk.incubator.vector.."),
                    List.of("engine.backend.cpu..")),
            new Library("tokenizers", List.of("ai.djl.."), List.of("engine..")),
            new Library("RocksDB", List.of("org.rocksdb.."), List.of("store.rocksdb..")),
            new Library("Kafka's clients",
                    List.of("org.apache.kafka.clients..", "org.apache.kafka.common.."),
                    List.of("feedback..", "pipelines..", "store.log..", "app..")),
            new Library("Kafka's broker",
                    List.of("kafka..", "org.apache.kafka.controller..",
                            "org.apache.kafka.metadata..",
                            "org.apache.kafka.raft..", "org.apache.kafka.server..",
                            "org.apache.kafka.storage.."),
                    List.of("app..")),
            new Library("Flink", List.of("org.apache.flink.."),
                    List.of("pipelines..", "app.local..", "app.bench.join..")),
            new Library("gRPC", List.of("io.grpc.."),
                    List.of("api..", "store..", "trainer..", "serving..", "pipelines..", "app..")),
            new Library("picocli", List.of("picocli.."), List.of("app..")),
            new Library("YAML", List.of("com.fasterxml.jackson.dataformat..", "org.yaml.."),
                    List.of("app..")),
            new Library("Micrometer", List.of("io.micrometer.."), List.of("serving..", "app..")),
            new Library("Testcontainers", List.of("org.testcontainers.."), List.of()),
            new Library("what only others brought along",
                    List.of("com.google.common.base..", "com.google.common.collect..",
                            "com.google.common.hash..", "com.google.common.io..",
                            "org.apache.commons..", "org.apache.flink.shaded.."),
                    List.of()),
            // Nothing else counts what gRPC's transport holds outside the heap.
            new Library("internals of gRPC's transport",
                    List.of("io.grpc.netty.shaded.io.netty.util.internal.."),
                    List.of("app.abuse..")));

    /** Generated from the protos; its names are the generators' choice. */
    private static final String[] GENERATED =
            {"dev.flywheel.api.v1..", "dev.flywheel.api.openinference.."};

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.flywheel");

    @Test
    void classesOfEveryModuleAreSeen() {
        for (Row row : ROWS) {
            String ours = "dev.flywheel." + row.module();
            assertThat(
                    CLASSES.stream().filter(c -> (c.getPackageName() + ".").startsWith(ours + ".")))
                    .as("classes of %s", row.module())
                    .isNotEmpty();
        }
    }

    @Test
    void bytesOfAnArrayAreNotCopiedFromSegmentToSegment() {
        // Short ones are written as longs, which compiled code that reads the array's own elements may miss (JDK 25.0.3).
        noClasses()
                .should()
                .callMethod(MemorySegment.class, "copy", MemorySegment.class, long.class,
                        MemorySegment.class, long.class, long.class)
                .orShould()
                .callMethod(MemorySegment.class, "toArray", ValueLayout.OfInt.class)
                .orShould()
                .callMethod(MemorySegment.class, "toArray", ValueLayout.OfFloat.class)
                .check(CLASSES);
    }

    @TestFactory
    Stream<DynamicTest> aModuleUsesOnlyWhatItsRowAllows() {
        return ROWS.stream().map(row -> dynamicTest(row.module(), () -> {
            String[] forbidden = Stream
                    .concat(ROWS.stream().map(Row::module), Stream.of("itest"))
                    .filter(other -> !other.equals(row.module()) && !row.mayUse().contains(other))
                    .map(other -> "dev.flywheel." + other + "..")
                    .toArray(String[]::new);
            noClasses().that()
                    .resideInAPackage("dev.flywheel." + row.module() + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden)
                    .because(row.module() + " may use " + row.mayUse())
                    .allowEmptyShould(true)
                    .check(CLASSES);
        }));
    }

    @TestFactory
    Stream<DynamicTest> aLibraryHasOneOwner() {
        return LIBRARIES.stream().map(library -> dynamicTest(library.name(), () -> {
            String[] owners = library.owners()
                    .stream()
                    .map(owner -> "dev.flywheel." + owner)
                    .toArray(String[]::new);
            noClasses().that(resideInAnyPackage("dev.flywheel..").and(
                    not(resideInAnyPackage(owners))))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(library.packages().toArray(String[]::new))
                    .because(library.name() + " belongs to " + library.owners())
                    .allowEmptyShould(true)
                    .check(CLASSES);
        }));
    }

    @Test
    void packagesFormNoCycles() {
        slices().matching("dev.flywheel.(**)")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void namesSayWhatAThingIs() {
        noClasses().that()
                .resideOutsideOfPackages(GENERATED)
                .should()
                .haveNameMatching(".*(Util|Utils|Helper|Manager|Impl)")
                .because("such a name says that nobody knew what the class is")
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void packagesAreNamedForWhatTheyHold() {
        noClasses().should()
                .resideInAnyPackage("..common..", "..util..", "..utils..", "..misc..", "..impl..")
                .because("everything fits into such a package, so nothing is found there")
                .allowEmptyShould(true)
                .check(CLASSES);
    }
}
