package dev.flywheel.app.ope;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import dev.flywheel.feedback.ope.LoggedDecision;
import dev.flywheel.feedback.ope.LoggedPlace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decisions in a CSV file with the columns of the Open Bandit Dataset: {@code item_id}, {@code propensity_score} and {@code click}, in
 * any order, among others. Each row is one place that was filled by itself. What could have been shown is every item that the file
 * names.
 */
public final class DecisionFile {
    private static final String ITEM = "item_id";
    private static final String PROPENSITY = "propensity_score";
    private static final String REWARD = "click";

    private record Row(String item, double propensity, double reward) {}

    private DecisionFile() {}

    /**
     * Reads a file for a policy that chooses each item with the same probability.
     *
     * @param decisionsMax rows to look at; more are counted only
     * @throws StartException if it cannot be read or is not of this form
     */
    public static DecisionLog read(Path file, int decisionsMax) {
        Map<String, Integer> items = new LinkedHashMap<>();
        Map<String, Long> passedOver = new TreeMap<>();
        List<Row> rows = rows(file, decisionsMax, items, passedOver);
        List<String> options = List.copyOf(items.keySet());
        double[] uniform = new double[options.size()];
        Arrays.fill(uniform, 1.0 / options.size());
        List<LoggedDecision> decisions = new ArrayList<>(rows.size());
        for (Row row : rows) {
            decisions.add(LoggedDecision.of(new LoggedPlace(options, uniform,
                    items.getOrDefault(row.item(), 0), row.propensity(), row.reward())));
        }
        return new DecisionLog(decisions, passedOver);
    }

    private static List<Row> rows(Path file, int decisionsMax, Map<String, Integer> items,
            Map<String, Long> passedOver) {
        List<Row> rows = new ArrayList<>();
        try (MappingIterator<Map<String, String>> lines =
                new CsvMapper().readerForMapOf(String.class)
                        .with(CsvSchema.emptySchema().withHeader())
                        .readValues(Files.newBufferedReader(file))) {
            while (lines.hasNextValue()) {
                Map<String, String> line = lines.nextValue();
                requireColumns(file, line);
                if (rows.size() < decisionsMax) {
                    take(line, items, rows, passedOver);
                } else {
                    passedOver.merge("more than --decisions-max", 1L, Long::sum);
                }
            }
        } catch (IOException e) {
            throw new StartException("cannot read %s as CSV (%s); check the path and its rights"
                    .formatted(file, e instanceof JacksonException badForm
                            ? badForm.getOriginalMessage()
                            : FileProblem.words(e)),
                    e);
        }
        if (rows.isEmpty()) {
            throw new StartException("%s holds no decision that can be weighted: %s"
                    .formatted(file, passedOver.isEmpty() ? "it has no rows" : passedOver));
        }
        return rows;
    }

    private static void requireColumns(Path file, Map<String, String> line) {
        for (String column : List.of(ITEM, PROPENSITY, REWARD)) {
            if (!line.containsKey(column)) {
                throw new StartException(
                        "%s has no column %s; a log needs %s, %s and %s, and a first line that names them"
                                .formatted(file, column, ITEM, PROPENSITY, REWARD));
            }
        }
    }

    private static void take(Map<String, String> line, Map<String, Integer> items,
            List<Row> rows, Map<String, Long> passedOver) {
        String item = line.getOrDefault(ITEM, "");
        Double propensity = number(line.get(PROPENSITY));
        Double reward = number(line.get(REWARD));
        if (!item.isBlank()) {
            items.putIfAbsent(item, items.size());
        }
        if (item.isBlank() || reward == null) {
            passedOver.merge("item or reward is missing or no number", 1L, Long::sum);
        } else if (propensity == null || !(propensity > 0 && propensity <= 1)) {
            passedOver.merge("propensity is unknown", 1L, Long::sum);
        } else {
            rows.add(new Row(item, propensity, reward));
        }
    }

    private static @Nullable Double number(@Nullable String text) {
        try {
            double value = text == null ? Double.NaN : Double.parseDouble(text.trim());
            return Double.isFinite(value) ? value : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
