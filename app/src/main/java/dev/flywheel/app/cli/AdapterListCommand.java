package dev.flywheel.app.cli;

import dev.flywheel.api.v1.AdapterRecord;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The adapters that there are. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the adapters of a node or of a data folder, by name.")
final class AdapterListCommand implements Callable<Integer> {
    @Option(names = "--deleted", description = "Deleted ones too.") private boolean deleted;

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    /** One adapter, in short. */
    record Line(
            String adapter,
            String tenant,
            String baseDigest,
            int rank,
            String head,
            String revision,
            @Nullable String deletedAt) {
        static Line of(AdapterRecord record) {
            long gone = record.getDeletedAtMillis();
            return new Line(record.getName(), AdapterView.tenantOf(record),
                    record.getBaseDigest(), record.getLora().getRank(),
                    Long.toUnsignedString(record.getHead()),
                    Long.toUnsignedString(record.getRevision()),
                    gone == 0 ? null : Instant.ofEpochMilli(gone).toString());
        }

        @Override
        public String toString() {
            return "%-32s tenant %-16s rank %-4d version %-8s revision %s%s".formatted(adapter,
                    tenant, rank, head, revision,
                    deletedAt == null ? "" : "  deleted " + deletedAt);
        }
    }

    @Override
    public Integer call() {
        List<Line> lines = registry.ask(
                store -> deleted ? store.listAllAdapters() : store.listAdapters())
                .stream()
                .map(Line::of)
                .toList();
        output.print(lines, lines.isEmpty() ? "no adapters"
                : lines.stream()
                        .map(Line::toString)
                        .collect(Collectors.joining(System.lineSeparator())));
        return 0;
    }
}
