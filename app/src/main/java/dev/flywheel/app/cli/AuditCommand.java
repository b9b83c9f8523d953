package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.audit.AuditException;
import dev.flywheel.app.audit.AuditReport;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.audit.JobFigures;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where all feedback ended. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = {
            "Counts where each feedback event of a running loop ended, from its topics, its store and its job, each term by itself:"
                    + " acknowledged = trained + quarantined + refused + pending.",
            "Exit code 1 if that does not come out, or an event stands in two manifests."
        })
public final class AuditCommand implements Callable<Integer> {
    private static final long PAUSE_MILLIS = 200;

    @Mixin private NodeOptions node = new NodeOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--wait", paramLabel = "DURATION", converter = DurationConverter.class,
            defaultValue = "10s",
            description = "Counts again for so long while it does not come out: what moves may be seen at two places, or at none."
                    + " Default: ${DEFAULT-VALUE}.") private Duration patience =
                            Duration.ofSeconds(10);

    @Override
    public Integer call() throws InterruptedException {
        report.requireWritable();
        try (StoreClient store = node.registry();
                JobFigures.Source job = node.job();
                FeedbackAuditor auditor = FeedbackAuditor.ofAll(node.brokers(), node.topics(),
                        store, job, node.reader())) {
            AuditReport counted = count(auditor);
            report.give(counted, counted.text());
            return counted.balanced() ? 0 : 1;
        } catch (StatusRuntimeException e) {
            throw new AuditException(
                    "the registry does not answer (%s); is a node running there? --node names another"
                            .formatted(e.getStatus()),
                    e);
        } catch (KafkaException e) {
            throw new AuditException(
                    "the broker at %s does not answer as it should (%s); is a node running there? --brokers names another"
                            .formatted(node.brokers(), e.getMessage()),
                    e);
        }
    }

    private AuditReport count(FeedbackAuditor auditor) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        AuditReport counted = auditor.audit();
        while (!counted.balanced() && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
            counted = auditor.audit();
        }
        return counted;
    }
}
