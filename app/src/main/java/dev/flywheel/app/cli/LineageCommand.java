package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.audit.JobFigures;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.lineage.FeedbackLineage;
import dev.flywheel.app.lineage.FeedbackReport;
import dev.flywheel.app.lineage.ImpressionLineage;
import dev.flywheel.app.lineage.ImpressionReport;
import dev.flywheel.app.lineage.LineageException;
import dev.flywheel.app.lineage.TopicSearch;
import dev.flywheel.app.lineage.VersionLineage;
import dev.flywheel.app.lineage.VersionReport;
import dev.flywheel.app.tool.AdapterExport;
import io.grpc.StatusRuntimeException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What versions were made of, and where feedback went. */
@Command(
        name = "lineage",
        description = {
            "Tells what a version was made of, which version gave an answer and what that had learned, or where a feedback event"
                    + " ended. Nothing that users said is shown.",
            "Which manifest an event is in is found for as long as the store is kept, what it was made of for store.manifests_kept at"
                    + " least; an answer, a refusal or an event without an end for as long as their topics hold them"
                    + " (loop.topic_retention)."
        })
public final class LineageCommand implements Callable<Integer> {
    private static final int ANCESTORS_MAX = 100_000;

    @Spec private CommandSpec spec;
    @Mixin private NodeOptions node = new NodeOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @ArgGroup(multiplicity = "1") private Subject subject = new Subject();

    @Option(names = "--adapter", paramLabel = "NAME",
            description = "Whose version. Default: adapter.name of the settings.") private @Nullable String adapter;

    @Option(names = "--source", paramLabel = "SOURCE",
            description = "Who sent the feedback, such as client/default. Without it the feedback topic is looked through for the"
                    + " id.") private @Nullable String source;

    @Option(names = "--ancestors", paramLabel = "N", defaultValue = "10",
            description = "Tells the N nearest ancestors one by one. Default: ${DEFAULT-VALUE}.") private int ancestors =
                    10;

    @SuppressWarnings("UnusedVariable") // picocli looks at it
    @Option(names = {"-h", "--help"}, usageHelp = true,
            description = "Show this help message and exit.") private boolean help;

    @SuppressWarnings("UnusedVariable") // picocli looks at it
    @Option(names = "-V", versionHelp = true,
            description = "Print version information and exit; --version names one of an adapter's here.") private boolean ownVersion;

    /** What is asked for. */
    static final class Subject {
        @Option(names = "--version", paramLabel = "N", required = true,
                description = "A version: its round, its parents, and the feedback behind it.") private @Nullable Long version;

        @Option(names = "--impression", paramLabel = "ID", required = true,
                description = "An answer, by its impression id.") private @Nullable String impression;

        @Option(names = "--feedback", paramLabel = "ID", required = true,
                description = "A feedback event, by the id that its sender gave it.") private @Nullable String feedback;
    }

    @Override
    public Integer call() throws InterruptedException {
        UsageChecks.require(spec, ancestors >= 0 && ancestors <= ANCESTORS_MAX, "--ancestors",
                ancestors, "0 to " + ANCESTORS_MAX);
        report.requireWritable();
        try (StoreClient store = node.registry()) {
            Long version = subject.version;
            if (version != null) {
                tellVersion(store, version);
            } else if (subject.impression != null) {
                tellImpression(store, subject.impression);
            } else if (subject.feedback != null) {
                tellFeedback(store, subject.feedback);
            }
            return 0;
        } catch (StatusRuntimeException e) {
            throw AdapterExport.refused(e);
        }
    }

    private void tellVersion(StoreClient store, long version) {
        UsageChecks.require(spec, version >= 0, "--version", version, "0 or more");
        String name = adapter != null ? adapter : node.settings().adapter().name();
        var unused = UsageChecks.adapter(spec, "--adapter", name);
        VersionReport told = new VersionLineage(store, ancestors).of(name, version);
        report.give(told, told.text());
    }

    private void tellImpression(StoreClient store, String id) {
        try (TopicSearch topics = search()) {
            ImpressionReport told =
                    new ImpressionLineage(topics, store, node.reader(), ancestors).of(id);
            report.give(told, told.text());
        }
    }

    private void tellFeedback(StoreClient store, String id) throws InterruptedException {
        try (TopicSearch topics = search(); JobFigures.Source job = node.job()) {
            FeedbackLineage lineage = new FeedbackLineage(topics, store, job, node.reader());
            List<FeedbackReport> told =
                    source == null ? lineage.of(id) : List.of(lineage.of(source, id));
            if (told.isEmpty()) {
                throw new LineageException(
                        ("no topic holds feedback %s any more, if one ever did; give --source too, and it is looked up in the"
                                + " store's manifests").formatted(id));
            }
            report.give(told,
                    told.stream()
                            .map(FeedbackReport::text)
                            .collect(Collectors.joining(System.lineSeparator())));
        }
    }

    /** A topic may be long. */
    private TopicSearch search() {
        boolean watched = report.output().watched();
        Map<String, Progress> shown = new HashMap<>();
        return new TopicSearch(node.brokers(), node.topics(), (topic, done, all) -> {
            if (watched) {
                shown.computeIfAbsent(topic + all,
                        each -> new Progress(report.output().progress(), true,
                                "records of " + topic, all, System.nanoTime()))
                        .update(done, "", System.nanoTime());
            }
        });
    }
}
