package dev.flywheel.app.local;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.flywheel.app.audit.JobFigures;
import dev.flywheel.app.audit.NodeJob;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.page.ConsolePage;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Executors;

/** Endpoint of figures: {@code GET /metrics} for Prometheus, {@code GET /pending} for audits, the page for people at {@code /}. */
final class MetricsEndpoint implements AutoCloseable {
    private final HttpServer server;

    private MetricsEndpoint(HttpServer server) {
        this.server = server;
    }

    static MetricsEndpoint open(RoleContext context) {
        FlywheelConfig.Metrics metrics = context.config().metrics();
        return context.closing()
                .add("metrics",
                        () -> start(metrics.host(), metrics.port(), context.meters()));
    }

    private static MetricsEndpoint start(String host, int port, PrometheusMeterRegistry registry) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(host, port), 16);
            server.createContext("/metrics", exchange -> scrape(exchange, registry));
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.start();
            return new MetricsEndpoint(server);
        } catch (BindException e) {
            throw new StartException(
                    "port %d on %s is taken; set metrics.port to a free one (0 picks one)"
                            .formatted(port, host),
                    e);
        } catch (IOException e) {
            throw new StartException("metrics endpoint cannot start: " + e.getMessage(), e);
        }
    }

    /** Answers {@code GET /pending} too: what the job has taken and not ended, see {@link NodeJob}. */
    void tellPending(JobFigures.Source job) {
        server.createContext("/pending", exchange -> tellPending(exchange, job));
    }

    /** Answers at all other paths as the page does. */
    void show(ConsolePage page) {
        page.showOn(server);
    }

    private static void tellPending(HttpExchange exchange, JobFigures.Source job)
            throws IOException {
        try (exchange) {
            Optional<JobFigures> figures = figures(job);
            if (figures.isEmpty()) {
                exchange.sendResponseHeaders(503, -1);
                return;
            }
            answer(exchange, "application/json", NodeJob.text(figures.get()));
        }
    }

    private static Optional<JobFigures> figures(JobFigures.Source job) {
        try {
            return job.figures();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private static void scrape(HttpExchange exchange, PrometheusMeterRegistry registry)
            throws IOException {
        try (exchange) {
            answer(exchange, "text/plain; version=0.0.4; charset=utf-8", registry.scrape());
        }
    }

    private static void answer(HttpExchange exchange, String type, String text)
            throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(200, body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
