package dev.flywheel.app.page;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The page for people at {@code /}, and what its script asks for as {@code /console/*.json}. Nothing can be changed through it.
 * Thread-safe.
 */
public final class ConsolePage {
    private static final Logger LOG = LoggerFactory.getLogger(ConsolePage.class);
    private static final Set<String> METHODS = Set.of("GET", "HEAD");

    private final PageFiles files = new PageFiles();
    private final ObjectMapper json = new ObjectMapper();
    private final PageAccess access;
    private final Map<String, Source> sources;
    private final Semaphore asked;

    /** Figures for a query. */
    @FunctionalInterface
    private interface Source {
        Object of(Query query);
    }

    /** @param requestsMax so many are worked on at once, more are refused */
    public ConsolePage(PageAccess access, History history, RegistryView registry,
            int requestsMax) {
        this.access = access;
        this.asked = new Semaphore(requestsMax);
        this.sources = Map.of(
                "/console/live.json", history::since,
                "/console/adapters.json", registry::adapters,
                "/console/versions.json", registry::versions,
                "/console/lineage.json", registry::lineage,
                "/console/trail.json", registry::trail);
    }

    /** Answers at the server's paths that nothing else answers at. */
    public void showOn(HttpServer server) {
        server.createContext("/", this::answer);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            answerTo(exchange).send(exchange);
        }
    }

    private Answer answerTo(HttpExchange exchange) throws IOException {
        try {
            access.requireHost(exchange);
            if (!METHODS.contains(exchange.getRequestMethod())) {
                throw new PageException(405, "only GET and HEAD are answered here");
            }
            String path = exchange.getRequestURI().getPath();
            Answer file = files.at(path);
            return file != null ? file : figures(exchange, sources.get(path));
        } catch (PageException refused) {
            return error(refused.status(), String.valueOf(refused.getMessage()));
        } catch (StatusRuntimeException refused) {
            return refusedByStore(refused.getStatus());
        } catch (RuntimeException e) {
            LOG.warn("the console cannot answer {}", exchange.getRequestURI(), e);
            return error(500, "this cannot be told, see the log");
        }
    }

    private Answer figures(HttpExchange exchange, @Nullable Source source) throws IOException {
        if (source == null) {
            throw new PageException(404, "there is nothing here; the page is at /");
        }
        access.requireOperate(exchange);
        Query query = new Query(exchange.getRequestURI().getRawQuery());
        if (!asked.tryAcquire()) {
            throw new PageException(503, "too many ask at once, see console.requests_max");
        }
        try {
            return Answer.json(200, json.writeValueAsBytes(source.of(query)));
        } finally {
            asked.release();
        }
    }

    private Answer refusedByStore(Status status) throws IOException {
        String words = String.valueOf(status.getDescription());
        return switch (status.getCode()) {
            case NOT_FOUND -> error(404, words);
            case INVALID_ARGUMENT -> error(400, words);
            default -> error(503, "the store does not answer (%s)".formatted(status.getCode()));
        };
    }

    private Answer error(int status, String words) throws IOException {
        return Answer.json(status, json.writeValueAsBytes(Map.of("error", words)));
    }
}
